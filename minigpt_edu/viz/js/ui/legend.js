/** What a colour means: the ramp with its numbers, and the sign for masked cells. */

import { element, span } from "./dom.js";
import { showNumber } from "./format.js";
import { colourOf, cssColour } from "./scale.js";

/**
 * @param {{scale: import("./scale.js").Scale, paint: any, key?: string,
 *   masked?: string | false}} options `key` says what the numbers are
 */
export function legendOf({ scale, paint, key, masked }) {
  const { kind, limit = 1 } = scale;
  const low = kind === "signed" ? -limit : 0;
  const colours = Array.from({ length: 9 }, (_, i) =>
    cssColour(colourOf(low + ((limit - low) * i) / 8, scale, paint)),
  );
  const digits = limit >= 10 || Number.isInteger(limit) ? 0 : limit >= 1 ? 1 : 2;
  const ticks = kind === "signed" ? [low, 0, limit] : [0, limit / 2, limit];
  const middle = kind === "signed" ? digits : Number.isInteger(limit) ? 1 : digits + 1;
  return [
    key ? span("mg-legend-key", key) : null,
    span(
      "mg-ramp",
      element("span", {
        class: "mg-ramp-bar",
        style: `background: linear-gradient(to right, ${colours.join(", ")})`,
      }),
      span(
        "mg-ramp-ticks",
        ticks.map((tick, i) =>
          span("", showNumber(tick, i === 1 ? (tick === 0 ? 0 : middle) : digits)),
        ),
      ),
    ),
    masked ? span("mg-legend-masked", span("mg-hatch"), masked) : null,
  ];
}
