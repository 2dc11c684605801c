/**
 * A budget of 1 and what it is spent on: one bar, cut into named parts.
 *
 *     const budget = new Budget({ label: "What boat reads", onPick });
 *     budget.update(pieces, shares, 2);              // the third part stands out
 */

import { div, element, fill, span } from "./dom.js";
import { showShare } from "./format.js";
import { pieceName, pieceNode } from "./pieces.js";
import { colourOf, cssColour, inkOn, readPaint } from "./scale.js";

/** The bar; `element` is what goes into the page. */
export class Budget {
  /** @param {{label: string}} options */
  constructor({ label }) {
    this.label = label;
    this.bar = element("div", { class: "mg-budget-bar", role: "img" });
    const ends = ["0", "1"].map((end) => span("", end));
    const line = element(
      "div",
      { class: "mg-budget-ends", "aria-hidden": "true" },
      ends,
    );
    this.element = div("mg-budget", this.bar, line);
  }

  /**
   * @param {any[]} pieces @param {ArrayLike<number>} shares
   * @param {number} [chosen] the part that stands out
   */
  update(pieces, shares, chosen = -1) {
    const paint = readPaint(this.element);
    const parts = pieces.map((piece, i) => {
      const colour = colourOf(shares[i], { kind: "share" }, paint);
      const part = span("mg-budget-part", pieceNode(piece));
      part.style.flexGrow = String(shares[i]);
      part.style.background = cssColour(colour);
      part.style.color = inkOn(colour);
      part.classList.toggle("mg-budget-small", shares[i] < 0.09);
      part.classList.toggle("mg-chosen", i === chosen);
      return part;
    });
    fill(this.bar, parts);
    const said = pieces.map(
      (piece, i) => `${pieceName(piece)} ${showShare(shares[i])}`,
    );
    this.bar.setAttribute("aria-label", `${this.label}: ${said.join(", ")}`);
  }
}
