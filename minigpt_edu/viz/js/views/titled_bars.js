/** Bars under a line that says what they are. */

import { Bars } from "../ui/bars.js";
import { div, element, fill } from "../ui/dom.js";

/** The small line over a part of a picture. */
export function headingLine(...children) {
  return element("p", { class: "mg-heading" }, ...children);
}

/** The bars and their line; `element` is what goes into the page. */
export class TitledBars {
  /** @param {string} label for who does not see it @param {boolean} [signed] */
  constructor(label, signed = false) {
    this.bars = new Bars({ label, signed });
    this.title = headingLine();
    this.element = div("", this.title, this.bars.element);
  }

  /**
   * @param {any} title @param {import("../ui/bars.js").Bar[]} rows
   * @param {number} [limit] the length of a full bar; without it the largest is full
   */
  update(title, rows, limit) {
    fill(this.title, title);
    const largest = Math.max(1e-9, ...rows.map(({ value }) => Math.abs(value)));
    const { children } = this.bars.element;
    const had = [...children].findIndex((one) => one.contains(document.activeElement));
    this.bars.update(rows, limit ?? largest);
    children[had]?.querySelector("button")?.focus(); // it was made anew
  }
}
