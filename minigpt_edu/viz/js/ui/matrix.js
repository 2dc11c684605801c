/**
 * A matrix of numbers with a token beside each row and above each column.
 *
 *     const matrix = new Matrix({ label: "Pattern", onMove, onPin, onRelease });
 *     parent.append(matrix.element);
 *     matrix.update({ rows, columns, values, scale: { kind: "share" }, pinned: 2 });
 *
 * The cells are one canvas, so that 64 x 64 stays quick; labels, legend and cursor are
 * elements. The cursor moves with the arrow keys, Home and End, or the pointer; Enter,
 * Space or a click pins its row, Escape releases. Masked cells are hatched.
 */

import { asideColumns } from "./asides.js";
import { div, fill, setAttributes } from "./dom.js";
import { showNumber, showShare } from "./format.js";
import { heldIn, movedBy } from "./grid_keys.js";
import { legendOf } from "./legend.js";
import { matrixFrame } from "./matrix_frame.js";
import { pieceName, pieceNode } from "./pieces.js";
import { readPaint } from "./scale.js";

const LARGEST = 44; // pixels of a cell, at most
const SMALLEST = 24; // at least
const MANY = 32; // rows or columns; then cells may be smaller
const SMALLEST_OF_MANY = 16;

/**
 * @typedef {{rows: any[], columns: any[], values: ArrayLike<number>,
 *   scale: import("./scale.js").Scale, digits?: number, pinned?: number | null,
 *   masked?: (row: number, column: number) => boolean, maskedNote?: string,
 *   key?: string, asides?: {name: string, items: any[]}[]}} MatrixContent
 *   rows and columns are pieces or strings; `key` names the legend; `asides` are
 *   columns of numbers to the right
 */

/** The matrix; `element` is what goes into the page. */
export class Matrix {
  /**
   * Without `onMove`, the matrix itself says what is under the cursor.
   * @param {{label: string, rowName?: string, columnName?: string, largest?: number,
   *   onMove?: (row: number, column: number) => void,
   *   onPin?: (row: number, column: number) => void, onRelease?: () => void,
   *   describe?: (row: number, column: number) => string}} options
   */
  constructor(options) {
    this.options = { rowName: "from", columnName: "to", largest: LARGEST, ...options };
    /** @type {any} */
    this.content = null;
    this.at = [0, 0]; // the cursor
    this.home = [0, 0]; // where it returns to when the pointer leaves
    this.cell = 0;
    this.width = 0; // of the box, when it was laid out
    this.parts = matrixFrame(
      { ...this.options, idle: options.onMove === undefined },
      {
        onkeydown: (event) => this.#key(event),
        onpointermove: (event) => this.#point(event),
        onpointerleave: () => this.move(...this.home),
        onclick: (event) => this.#click(...this.#cellUnder(event)),
      },
    );
    this.element = this.parts.element;
    this.parts.rowLabels.addEventListener("click", (event) => this.#clickLabel(event));
    new ResizeObserver(() => this.#resize()).observe(this.parts.box);
  }

  /**
   * Draws these numbers; the colours of a matrix of the same size change smoothly.
   * @param {MatrixContent} content
   */
  update(content) {
    const old = this.content;
    const { rows, columns, pinned = null } = content;
    const same =
      old?.rows.length === rows.length && old.columns.length === columns.length;
    this.content = content;
    const [row, column] = this.home;
    if (old === null || row >= rows.length || column >= columns.length) {
      this.home = [rows.length - 1, Math.max(0, columns.length - 2)];
    }
    if (pinned !== null) this.home = [pinned, this.home[1]];
    this.at = [...this.home];
    fill(
      this.parts.rowLabels,
      rows.map((row) => div("", pieceNode(row))),
    );
    fill(
      this.parts.columnLabels,
      columns.map((column) => div("", pieceNode(column))),
    );
    fill(this.parts.asides, asideColumns(content.asides ?? []));
    const size = { "aria-rowcount": rows.length, "aria-colcount": columns.length };
    setAttributes(this.parts.grid, size);
    this.#layOut(same);
  }

  /** Moves the cursor; with `stay`, it returns here when the pointer leaves. */
  move(row, column, stay = false) {
    const { rows, columns } = this.content;
    this.at = [heldIn(row, rows.length), heldIn(column, columns.length)];
    if (stay) this.home = [...this.at];
    this.#placeCursor();
    if (stay) this.#reveal();
    this.options.onMove?.(...this.at);
  }

  /** The value of a cell in words. */
  describe(row, column) {
    const { rows, columns, masked } = this.content;
    const text = this.options.describe?.(row, column);
    if (text !== undefined) return text;
    const from = `${this.options.rowName} ${pieceName(rows[row])}`;
    const to = `${this.options.columnName} ${pieceName(columns[column])}`;
    const value = masked?.(row, column) ? "masked" : this.textOf(row, column, 3);
    return `${from}, ${to}: ${value}`;
  }

  /** The value of a cell as it is written. */
  textOf(row, column, digits) {
    const { values, columns, scale } = this.content;
    const value = values[row * columns.length + column];
    return scale.kind === "share"
      ? showShare(value, digits)
      : showNumber(value, digits);
  }

  /** What stands in the cell: nothing for a share that rounds to nothing. */
  #short(row, column) {
    const text = this.textOf(row, column, this.content.digits ?? 2);
    return text.startsWith("<") ? "" : text;
  }

  #resize() {
    const other = this.parts.box.clientWidth !== this.width;
    if (other && this.content !== null) this.#layOut(false);
  }

  #layOut(smoothly) {
    const { rows, columns, scale, masked, maskedNote = "masked", key } = this.content;
    const { box, rowLabels, columnLabels, asides, legend, cells } = this.parts;
    const paint = readPaint(this.element);
    this.width = box.clientWidth;
    const room = this.width - rowLabels.offsetWidth - asides.offsetWidth - 12;
    const fit = Math.floor(room / columns.length);
    const least =
      Math.max(rows.length, columns.length) > MANY ? SMALLEST_OF_MANY : SMALLEST;
    this.cell = Math.max(
      least,
      Math.min(this.options.largest, fit > 0 ? fit : LARGEST),
    );
    this.element.style.setProperty("--mg-cell", `${this.cell}px`);
    columnLabels.classList.remove("mg-upright");
    const widths = [...columnLabels.children].map((one) => one.firstChild.offsetWidth);
    columnLabels.classList.toggle("mg-upright", Math.max(...widths) > this.cell - 4);
    fill(legend, legendOf({ scale, paint, key, masked: masked && maskedNote }));
    cells.draw({
      ...this.content,
      rows: rows.length,
      columns: columns.length,
      cell: this.cell,
      paint,
      smoothly,
      text: (row, column) => this.#short(row, column),
    });
    this.#placeCursor();
  }

  #placeCursor() {
    const [row, column] = this.at;
    const { pinned = null } = this.content;
    const { cursor, line, rowFrame, rowLabels, columnLabels, readout } = this.parts;
    const text = this.describe(row, column);
    const y = row * this.cell;
    cursor.style.transform = `translate(${column * this.cell}px, ${y}px)`;
    rowFrame.style.transform = `translateY(${y}px)`;
    line.setAttribute("aria-rowindex", String(row + 1));
    setAttributes(cursor, {
      "aria-colindex": column + 1,
      "aria-label": text,
      "aria-selected": String(row === pinned),
    });
    if (readout !== null) readout.textContent = text;
    markOnly(rowLabels, "mg-here", row);
    markOnly(rowLabels, "mg-pinned", pinned);
    markOnly(columnLabels, "mg-here", column);
  }

  #key(event) {
    const { rows, columns } = this.content;
    const { onPin, onRelease } = this.options;
    const to = movedBy(event.key, this.at, rows.length, columns.length);
    if (to !== null) this.move(...to, true);
    else if (event.key === "Enter" || event.key === " ") onPin?.(...this.at);
    else if (event.key === "Escape") onRelease?.();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Scrolls the matrix's own box, never the page, until the cursor is in sight. */
  #reveal() {
    const { cell } = this;
    const { box, rowLabels, columnLabels } = this.parts;
    const [row, column] = this.at;
    const right = rowLabels.offsetWidth + (column + 1) * cell + 9 - box.clientWidth;
    const below = columnLabels.offsetHeight + (row + 1) * cell + 13 - box.clientHeight;
    box.scrollLeft = Math.max(Math.min(box.scrollLeft, column * cell), right);
    box.scrollTop = Math.max(Math.min(box.scrollTop, row * cell), below);
  }

  #cellUnder({ clientX, clientY }) {
    const { left, top } = this.parts.grid.getBoundingClientRect();
    return [(clientY - top) / this.cell, (clientX - left) / this.cell].map(Math.floor);
  }

  #point(event) {
    const [row, column] = this.#cellUnder(event);
    const inside = row >= 0 && column >= 0;
    if (inside && (row !== this.at[0] || column !== this.at[1])) this.move(row, column);
  }

  #click(row, column) {
    this.move(row, column, true);
    this.options.onPin?.(...this.at);
  }

  #clickLabel({ target }) {
    const label = target.closest(".mg-row-labels > div");
    const row = [...this.parts.rowLabels.children].indexOf(label);
    if (row >= 0) this.#click(row, this.at[1]);
  }
}

function markOnly(parent, name, index) {
  [...parent.children].forEach((child, i) => child.classList.toggle(name, i === index));
}
