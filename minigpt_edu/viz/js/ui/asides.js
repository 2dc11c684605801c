/**
 * Columns of numbers beside a matrix, one line per row, with thin bars.
 *
 *     fill(place, asideColumns([{ name: "sum", items: [{ text: "1.00", share: 1 }] }]))
 */

import { div, element, span } from "./dom.js";

/**
 * @typedef {{name: string, items: {text: string, share: number,
 *   role?: string}[]}} Aside
 * @param {Aside[]} asides
 */
export function asideColumns(asides) {
  return asides.map(({ name, items }) =>
    div(
      "mg-aside",
      div("mg-aside-name", name),
      items.map(({ text, share, role }) => {
        const bar = element("span", {
          class: `mg-bar ${role ? `mg-fill-${role}` : ""}`,
        });
        bar.style.width = `${100 * Math.max(0, Math.min(1, share))}%`;
        return div(
          "mg-aside-line",
          span("mg-bar-track", bar),
          span("mg-bar-number", text),
        );
      }),
    ),
  );
}
