/**
 * A short list of named numbers as thin bars: what comes next, what a row reads.
 *
 *     const bars = new Bars({ label: "next token", limit: 1 });
 *     bars.update([{ name: piece, value: 0.31 }, ...]);
 *
 * With `signed`, bars start in the middle; the two directions have their own colours.
 */

import { element, fill, span } from "./dom.js";
import { showNumber, showShare } from "./format.js";
import { pieceNode } from "./pieces.js";

/** @typedef {{name: any, value: number, text?: string, role?: string, quiet?: boolean,
 *   chosen?: boolean, onPick?: () => void}} Bar name: a piece or a string */

/** The list; `element` is what goes into the page. */
export class Bars {
  /**
   * @param {{label: string, limit?: number, signed?: boolean, digits?: number}} options
   */
  constructor({ label, limit = 1, signed = false, digits = 2 }) {
    this.limit = limit;
    this.signed = signed;
    this.digits = digits;
    this.element = element("ol", { class: "mg-bars", "aria-label": label });
    this.element.classList.toggle("mg-bars-signed", signed);
  }

  /** @param {Bar[]} bars @param {number} [limit] the length of a full bar */
  update(bars, limit = this.limit) {
    this.limit = limit;
    while (this.element.children.length > bars.length) this.element.lastChild.remove();
    bars.forEach((bar, i) => {
      const line = this.element.children[i] ?? this.element.appendChild(emptyBar());
      this.#draw(line, bar);
    });
  }

  #draw(line, { name, value, text, role, quiet = false, chosen = false, onPick }) {
    const share = Number.isFinite(value)
      ? Math.min(1, Math.abs(value) / this.limit)
      : 0;
    const [label, track, number] = line.children;
    const [bar] = track.children;
    fill(
      label,
      onPick
        ? element("button", { type: "button", onclick: onPick }, pieceNode(name))
        : pieceNode(name),
    );
    bar.style.width = `${(this.signed ? 50 : 100) * share}%`;
    const fillClass = role ? `mg-fill-${role}` : "";
    bar.className = `mg-bar ${fillClass} ${value < 0 ? "mg-below" : ""}`;
    line.className = `${quiet ? "mg-quiet-line" : ""} ${chosen ? "mg-chosen" : ""}`;
    number.textContent =
      text ??
      (this.signed ? showNumber(value, this.digits) : showShare(value, this.digits));
  }
}

function emptyBar() {
  return element(
    "li",
    {},
    span("mg-bar-name"),
    span("mg-bar-track", span("mg-bar")),
    span("mg-bar-number"),
  );
}
