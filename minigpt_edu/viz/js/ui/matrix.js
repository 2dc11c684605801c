/**
 * A matrix of numbers with a token beside each row and above each column.
 *
 *     const matrix = new Matrix({ label: "pattern", onMove, onPin, onRelease });
 *     parent.append(matrix.element);
 *     matrix.update({ rows: pieces, columns: pieces, values, scale: { kind: "share" } });
 *
 * The cells are one canvas, so that 64 x 64 stays quick; labels, legend and the cursor
 * are elements. The cursor moves with the arrow keys, Home and End, or the pointer;
 * Enter, Space or a click pins its row, Escape releases. Masked cells are hatched.
 */

import { element, fill } from "./dom.js";
import { drawCells } from "./cells.js";
import { pieceName, pieceNode } from "./pieces.js";
import { legendOf } from "./legend.js";
import { colourOf, readPaint } from "./scale.js";
import { showNumber, showShare } from "./format.js";

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const LARGEST = 44, SMALLEST = 24, SMALLEST_OF_MANY = 16; // pixels of a cell
const MOTION = 260; // milliseconds from one picture to the next

/**
 * @typedef {{rows: any[], columns: any[], values: ArrayLike<number>,
 *   scale: import("./scale.js").Scale, masked?: (row: number, column: number) => boolean,
 *   digits?: number, pinned?: number | null, maskedNote?: string, key?: string}} Content
 *   rows and columns are pieces or strings; `key` names the legend
 */

/** The matrix; `element` is what goes into the page. */
export class Matrix {
  /**
   * @param {{label: string, rowName?: string, columnName?: string, largest?: number,
   *   onMove?: (row: number, column: number) => void,
   *   onPin?: (row: number, column: number) => void, onRelease?: () => void,
   *   describe?: (row: number, column: number) => string}} options
   */
  constructor(options) {
    this.options = { rowName: "from", columnName: "to", largest: LARGEST, ...options };
    /** @type {Content | null} */
    this.content = null;
    this.at = [0, 0]; // the cursor
    this.home = [0, 0]; // where it returns to when the pointer leaves
    this.cell = 0;
    this.colours = [];
    this.#build();
    new ResizeObserver(() => this.content && this.#layOut(false)).observe(this.box);
  }

  #build() {
    const { label, rowName, columnName } = this.options;
    this.canvas = element("canvas", { "aria-hidden": "true" });
    this.cursor = element("div", { class: "mg-cursor", role: "gridcell", id: `${label}-cell` });
    this.line = element("div", { role: "row" }, this.cursor);
    this.grid = element(
      "div",
      {
        class: "mg-cells", role: "grid", tabindex: "0",
        "aria-label": `${label}: arrow keys move, Enter chooses the row`,
        onkeydown: (event) => this.#key(event),
        onpointermove: (event) => this.#point(event),
        onpointerleave: () => this.move(...this.home),
        onclick: (event) => this.#click(event),
      },
      this.canvas, this.line,
    );
    this.rowLabels = element("div", { class: "mg-row-labels", "aria-hidden": "true",
      onclick: (event) => this.#clickLabel(event) });
    this.columnLabels = element("div", { class: "mg-column-labels", "aria-hidden": "true" });
    this.corner = element("div", { class: "mg-corner", "aria-hidden": "true" },
      element("span", {}, `${columnName} \u2192`), element("span", {}, `${rowName} \u2193`));
    this.box = element("div", { class: "mg-scroll mg-matrix-box" },
      element("div", { class: "mg-matrix-grid" },
        this.corner, this.columnLabels, this.rowLabels, this.grid));
    this.legend = element("div", { class: "mg-legend" });
    this.element = element("div", { class: "mg-matrix" }, this.box, this.legend);
  }

  /** Draws these numbers; the colours of a matrix of the same size change smoothly. */
  update(content) {
    const old = this.content;
    this.content = content;
    const { rows, columns, pinned = null } = content;
    const fits = ([row, column]) => row < rows.length && column < columns.length;
    const same = old?.rows.length === rows.length && old.columns.length === columns.length;
    if (pinned !== null && pinned !== this.home[0]) this.home = [pinned, this.home[1]];
    if (!fits(this.home)) this.home = [rows.length - 1, Math.max(0, columns.length - 2)];
    this.at = [...this.home];
    fill(this.rowLabels, rows.map((row) => element("div", {}, pieceNode(row))));
    fill(this.columnLabels, columns.map((column) => element("div", {}, pieceNode(column))));
    this.grid.setAttribute("aria-rowcount", String(rows.length));
    this.grid.setAttribute("aria-colcount", String(columns.length));
    this.#layOut(Boolean(same));
  }

  /** Moves the cursor; with `stay`, it returns here when the pointer leaves. */
  move(row, column, stay = false) {
    const { rows, columns } = this.content;
    this.at = [clampIndex(row, rows.length), clampIndex(column, columns.length)];
    if (stay) this.home = [...this.at];
    this.#placeCursor();
    this.options.onMove?.(...this.at);
  }

  /** The value of a cell in words. */
  describe(row, column) {
    const { rows, columns, masked } = this.content;
    const text = this.options.describe?.(row, column);
    if (text !== undefined) return text;
    const { rowName, columnName } = this.options;
    const where = `${rowName} ${pieceName(rows[row])}, ${columnName} ${pieceName(columns[column])}`;
    return `${where}: ${masked?.(row, column) ? "masked" : this.textOf(row, column, 3)}`;
  }

  /** The value of a cell as it is written. */
  textOf(row, column, digits) {
    const { values, columns, scale } = this.content;
    const value = values[row * columns.length + column];
    return scale.kind === "share" ? showShare(value, digits) : showNumber(value, digits);
  }

  #layOut(smoothly) {
    const { rows, columns, scale, masked, maskedNote, key } = this.content;
    const paint = readPaint(this.element);
    const many = Math.max(rows.length, columns.length) > 32;
    const room = this.box.clientWidth - this.rowLabels.offsetWidth - 2;
    const fit = Math.floor(room / columns.length);
    const smallest = many ? SMALLEST_OF_MANY : SMALLEST;
    this.cell = Math.max(smallest, Math.min(this.options.largest, fit > 0 ? fit : LARGEST));
    this.element.style.setProperty("--mg-cell", `${this.cell}px`);
    const widest = Math.max(0, ...[...this.columnLabels.children].map(
      (label) => label.firstChild.offsetWidth));
    this.columnLabels.classList.toggle("mg-upright", widest > this.cell - 4);
    fill(this.legend, legendOf({ scale, paint, key, masked: masked && (maskedNote ?? "masked") }));
    this.#paint(paint, smoothly);
    this.#placeCursor();
  }

  #paint(paint, smoothly) {
    const { values, scale } = this.content;
    const from = this.colours;
    const to = Array.from(values, (value) => colourOf(value, scale, paint));
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const start = performance.now();
    const picture = (share) => {
      if (this.colours !== to) return; // something newer is drawn
      drawCells(this.canvas, {
        ...this.content, cell: this.cell, paint, from, to, share,
        text: (row, column) => this.textOf(row, column, this.content.digits ?? 2),
      });
      const next = (now) => picture(Math.min(1, (now - start) / MOTION));
      if (share < 1) requestAnimationFrame(next);
    };
    this.colours = to;
    picture(smoothly && !calm && from.length === to.length ? 0 : 1);
  }

  #placeCursor() {
    const [row, column] = this.at;
    const { pinned = null } = this.content;
    this.cursor.style.transform = `translate(${column * this.cell}px, ${row * this.cell}px)`;
    this.line.setAttribute("aria-rowindex", String(row + 1));
    this.cursor.setAttribute("aria-colindex", String(column + 1));
    this.cursor.setAttribute("aria-label", this.describe(row, column));
    this.cursor.setAttribute("aria-selected", String(row === pinned));
    mark(this.rowLabels, "mg-here", row);
    mark(this.rowLabels, "mg-pinned", pinned);
    mark(this.columnLabels, "mg-here", column);
  }

  #key(event) {
    const [row, column] = this.at;
    const { columns } = this.content;
    if (event.key in ARROWS) {
      const [down, right] = ARROWS[event.key];
      this.move(row + down, column + right, true);
    } else if (event.key === "Home" || event.key === "End") {
      this.move(row, event.key === "Home" ? 0 : columns.length - 1, true);
    } else if (event.key === "Enter" || event.key === " ") {
      this.options.onPin?.(row, column);
    } else if (event.key === "Escape") {
      this.options.onRelease?.();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    this.cursor.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  #cellAt(event) {
    const { left, top } = this.canvas.getBoundingClientRect();
    return [(event.clientY - top) / this.cell, (event.clientX - left) / this.cell].map(Math.floor);
  }

  #point(event) {
    const [row, column] = this.#cellAt(event);
    const { rows, columns } = this.content;
    const inside = row >= 0 && column >= 0 && row < rows.length && column < columns.length;
    if (inside && (row !== this.at[0] || column !== this.at[1])) this.move(row, column);
  }

  #click(event) {
    this.move(...this.#cellAt(event), true);
    this.options.onPin?.(...this.at);
  }

  #clickLabel(event) {
    const row = [...this.rowLabels.children].indexOf(event.target.closest(".mg-row-labels > div"));
    if (row < 0) return;
    this.move(row, this.at[1], true);
    this.options.onPin?.(...this.at);
  }
}

function clampIndex(index, count) {
  return Math.max(0, Math.min(count - 1, index));
}

function mark(parent, name, index) {
  [...parent.children].forEach((child, i) => child.classList.toggle(name, i === index));
}
