/**
 * The numbers of a figure as a table, for who would rather read them.
 *
 *     tableOf({ caption: "Row", columns: ["token", "share"], rows: [[piece, "0.3"]] })
 *
 * Cells are texts or pieces; the first cell of a row names it.
 */

import { element } from "./dom.js";
import { pieceNode } from "./pieces.js";

/** @param {{caption: string, columns: any[], rows: any[][]}} content */
export function tableOf({ caption, columns, rows }) {
  const head = columns.map((cell) => element("th", { scope: "col" }, pieceNode(cell)));
  const lines = rows.map(([first, ...rest]) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, pieceNode(first)),
      rest.map((cell) => element("td", {}, pieceNode(cell))),
    ),
  );
  return element(
    "div",
    { class: "mg-scroll", tabindex: "0", role: "region", "aria-label": caption },
    element(
      "table",
      { class: "mg-table" },
      element("caption", {}, caption),
      element("thead", {}, element("tr", {}, head)),
      element("tbody", {}, lines),
    ),
  );
}
