/**
 * Many small pictures of one kind in rows and columns, one of which is chosen.
 *
 *     const gallery = new Gallery({ label: "All heads", onPick: (index) => ... });
 *     const items = [{ name, note, values, size, off }];
 *     gallery.update({ columns: 4, rows: ["layer 0"], items, chosen: 0 });
 *
 * One of them is in the order of the Tab key; the arrow keys walk in both directions,
 * Enter or Space chooses. A picture says nothing alone: each has its name and a note.
 */

import { sizedPen } from "./cells.js";
import { element, fill } from "./dom.js";
import { colourOf, cssColour, readPaint } from "./scale.js";

const SMALL_PICTURE = 64; // pixels of a small picture, at most

/** @typedef {{name: string, note: string, said: string, values: ArrayLike<number>,
 *   size: number, off: boolean}} GalleryItem values: [size, size] shares of 1 */

/** The small pictures; `element` is what goes into the page. */
export class Gallery {
  /** @param {{label: string, onPick: (index: number) => void}} options */
  constructor({ label, onPick }) {
    this.onPick = onPick;
    this.columns = 1;
    this.buttons = [];
    this.element = element("div", {
      class: "mg-gallery mg-scroll",
      role: "group",
      "aria-label": label,
      onkeydown: (event) => this.#key(event),
    });
  }

  /**
   * @param {{columns: number, rows: string[], items: GalleryItem[],
   *   chosen: number}} content rows: a name for each row, left of it
   */
  update({ columns, rows, items, chosen }) {
    if (this.buttons.length !== items.length || this.columns !== columns) {
      this.#place(columns, rows, items.length);
    }
    this.element.style.setProperty("--mg-columns", String(columns));
    const paint = readPaint(this.element);
    items.forEach((item, index) => {
      this.#draw(this.buttons[index], item, index === chosen, paint);
    });
  }

  /** The buttons in their rows, each row after its name. */
  #place(columns, rows, count) {
    this.columns = columns;
    this.buttons = Array.from({ length: count }, (_, index) => this.#empty(index));
    fill(
      this.element,
      rows.map((name, row) => [
        element("span", { class: "mg-gallery-row", "aria-hidden": "true" }, name),
        this.buttons.slice(row * columns, (row + 1) * columns),
      ]),
    );
  }

  #empty(index) {
    return element(
      "button",
      { type: "button", class: "mg-gallery-item", onclick: () => this.onPick(index) },
      element("span", { class: "mg-gallery-name" }),
      element("canvas", { "aria-hidden": "true" }),
      element("span", { class: "mg-gallery-note" }),
    );
  }

  #draw(one, { name, note, said, values, size, off }, chosen, paint) {
    const [label, canvas, below] = one.children;
    one.setAttribute("aria-label", said);
    one.setAttribute("aria-pressed", String(chosen));
    one.tabIndex = chosen ? 0 : -1;
    one.classList.toggle("mg-off", off);
    fill(label, name);
    fill(below, note);
    const pen = sizedPen(canvas, SMALL_PICTURE, SMALL_PICTURE);
    const cell = SMALL_PICTURE / size;
    for (let row = 0; row < size; row++) {
      for (let column = 0; column <= row; column++) {
        pen.fillStyle = cssColour(
          colourOf(values[row * size + column], { kind: "share" }, paint),
        );
        pen.fillRect(column * cell, row * cell, cell + 0.5, cell + 0.5);
      }
    }
  }

  #key(event) {
    const by = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -this.columns,
      ArrowDown: this.columns,
    }[event.key];
    if (by === undefined) return;
    const all = this.buttons;
    const to =
      all[all.indexOf(/** @type {HTMLElement} */ (document.activeElement)) + by];
    event.preventDefault();
    event.stopPropagation();
    if (to === undefined) return;
    for (const one of all) one.tabIndex = one === to ? 0 : -1;
    to.focus();
  }
}
