/** The pictures of the last three stages of the walk: logits, softmax, next token. */

import { pushButton, selectBox } from "../ui/controls.js";
import { div, element, fill, span } from "../ui/dom.js";
import { showCount, showNumber, showPercent } from "../ui/format.js";
import { pieceNode } from "../ui/pieces.js";
import { headingLine, TitledBars } from "./titled_bars.js";
import { chancePieces, logitRange, oneMoreToken, softmaxSum } from "./walk_parts.js";

const BEST = 8; // tokens of a distribution that get a bar
const ALONE = 0.004; // chances below are drawn together
const NAMED = 0.06; // chances of at least this much have room for their token

/** All logits from the highest to the lowest as a line, the best as bars. */
export function logitPicture() {
  const what = headingLine(),
    place = div("mg-curve");
  const bars = new TitledBars("The highest logits");
  const update = ({ logits, token }) => {
    const range = logitRange(logits);
    const { order, mean } = range;
    fill(
      what,
      `All ${showCount(logits.length)} logits, from the highest to the lowest`,
    );
    fill(place, logitCurve(logits, range));
    bars.update(
      `The highest: the bar is what they are above the mean, ${showNumber(mean)}`,
      Array.from(order.subarray(0, BEST), (id) => ({
        name: token(id),
        value: logits[id] - mean,
        text: showNumber(logits[id]),
      })),
    );
  };
  return { parts: [div("", what, place), bars.element], update };
}

/** The line stretches with the figure; its labels do not. */
function logitCurve(logits, { order, highest, lowest }) {
  const y = (value) => (100 * (highest - value)) / (highest - lowest || 1);
  const values = [highest, lowest];
  if (y(0) > 18 && y(0) < 82) values.push(0);
  const labels = values.map((value) =>
    element("span", { style: `top: ${y(value)}%` }, showNumber(value, 1)),
  );
  const wide = order.length - 1 || 1;
  const points = Array.from(order, (id, rank) => `${rank} ${y(logits[id]).toFixed(2)}`);
  const lines = values.map((value) =>
    element("svg:line", { x2: wide, y1: y(value), y2: y(value) }),
  );
  const frame = {
    viewBox: `0 0 ${wide} 100`,
    preserveAspectRatio: "none",
    "aria-hidden": "true",
  };
  const line = element("svg:polyline", { points: points.join(" ") });
  return [div("", labels), element("svg:svg", frame, lines, line)];
}

/** The division, written out, and its results. */
export function softmaxPicture() {
  const sum = element("p", { class: "mg-formula" });
  const share = element("p", { class: "mg-formula" });
  const bars = new TitledBars("Probability of the next token");
  const update = ({ logits, token }) => {
    const { rows, rest, total, others } = softmaxSum(logits, BEST);
    const [first, second] = rows;
    const powers = rows.map(({ power }) => showNumber(power, power === 1 ? 0 : 3));
    const whole = showNumber(total, 3),
      top = showNumber(first.logit);
    const terms = `${powers.slice(0, 4).join(" + ")} + \u2026 = ${whole}`;
    fill(sum, `Sum of e^(logit \u2212 ${top}) = ${terms}`);
    fill(
      share,
      "p(",
      pieceNode(token(second.id)),
      `) = e^(${showNumber(second.logit)} \u2212 ${top}) / ${whole} = ` +
        `${powers[1]} / ${whole} = ${showNumber(second.p, 3)}`,
    );
    bars.update(
      "The likeliest next tokens",
      [
        ...rows.map(({ id, p }) => ({
          name: token(id),
          value: p,
          text: showPercent(p),
        })),
        {
          name: `${showCount(others)} others`,
          value: rest / total,
          text: showPercent(rest / total),
          quiet: true,
        },
      ],
      1,
    );
  };
  return { parts: [div("", sum, share), bars.element], update };
}

/** The line of chances, where the draw fell, and going on. */
export function nextPicture(frame) {
  const line = div("mg-chances"),
    text = element("p", { class: "mg-formula" });
  const seeded = (seed) => frame.set({ seed, grown: null });
  const how = selectBox({
    label: "Choose",
    onInput: (value) => seeded(value === "" ? null : 1),
  });
  const again = pushButton({ label: "", onPress: () => seeded(frame.state.seed + 1) });
  const more = pushButton({
    label: "One more token",
    onPress: () => frame.set(oneMoreToken(frame.state)),
  });
  const fresh = pushButton({
    label: "Back to my text",
    onPress: () => frame.set({ grown: null }),
  });
  const update = ({ logits, token, next, state, pieces, given }) => {
    const { seed } = state;
    how.update({
      options: [
        ["", "the likeliest"],
        ["1", "by chance"],
      ],
      value: seed === null ? "" : "1",
    });
    again.element.hidden = seed === null;
    fresh.element.hidden = pieces.length === given;
    again.update(`Draw again (seed ${seed})`);
    fill(line, chanceLine(logits, token, next));
    const own = pieces.map((piece, i) =>
      element(i < given ? "span" : "u", {}, pieceNode(piece)),
    );
    fill(text, own, " ", element("mark", {}, pieceNode(token(next.id))));
  };
  const parts = [
    div(
      "",
      headingLine("Every token's chance, side by side; hatched: many small ones"),
      line,
    ),
    text,
    div("mg-controls", how.element, again.element, more.element, fresh.element),
  ];
  return { parts, update };
}

/** Each chance as a piece of one line; the chosen one is marked, however small. */
function chanceLine(logits, token, { id: chosen, pin }) {
  const box = ({ id, from, to }) => {
    const width = to - from;
    const look = id === chosen ? "mg-taken" : id === null ? "mg-small" : "";
    const named = id !== null && width >= NAMED;
    const made = span(look, named ? pieceNode(token(id)) : null);
    made.style.cssText = `left: ${100 * from}%; width: ${100 * width}%`;
    return made;
  };
  const pieces = chancePieces(logits, ALONE).map(box);
  if (pin === null) return pieces;
  const mark = element("i", { style: `left: ${100 * pin.u}%` }, "\u25bc");
  return [...pieces, pin.to - pin.from < ALONE ? box(pin) : null, mark];
}
