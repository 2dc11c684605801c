/**
 * The cells of a matrix on a canvas: colours, hatching, and numbers where they fit.
 *
 *     const cells = new Cells();
 *     cells.draw({ rows: 3, columns: 3, values, scale, cell: 24, paint });
 */

import { element } from "./dom.js";
import { colourOf, cssColour, inkOn, mixColours } from "./scale.js";

const ROOM_FOR_NUMBERS = 33; // pixels of a cell
const MOTION = 260; // milliseconds from one picture to the next

/**
 * @typedef {{rows: number, columns: number, values: ArrayLike<number>, cell: number,
 *   scale: import("./scale.js").Scale, paint: any, smoothly?: boolean,
 *   masked?: (row: number, column: number) => boolean,
 *   text?: (row: number, column: number) => string}} CellPicture
 */

/** The canvas; `element` is what goes into the page. */
export class Cells {
  constructor() {
    this.element = element("canvas", { "aria-hidden": "true" });
    this.colours = [];
  }

  /** Draws; `smoothly`, colours of as many cells as before change in a moment. */
  draw(picture) {
    const { values, scale, paint, smoothly = false } = picture;
    const from = this.colours;
    const to = Array.from(values, (value) => colourOf(value, scale, paint));
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const start = performance.now();
    const show = (share) => {
      if (this.colours !== to) return; // something newer is drawn
      this.#paint(picture, (i) =>
        share < 1 ? mixColours(from[i], to[i], share) : to[i],
      );
      const next = (now) => show(Math.max(0, Math.min(1, (now - start) / MOTION)));
      if (share < 1) requestAnimationFrame(next);
    };
    this.colours = to;
    show(smoothly && !calm && from.length === to.length ? 0 : 1);
  }

  #paint({ rows, columns, cell, paint, masked, text }, colour) {
    const pen = sizedPen(this.element, columns * cell, rows * cell);
    const gap = cell > 20 ? 1 : 0.5;
    const numbers = text !== undefined && cell >= ROOM_FOR_NUMBERS;
    const hatched = [];
    if (numbers) {
      const { fontFamily } = getComputedStyle(this.element);
      pen.font = `${cell >= 40 ? 12 : 11}px ${fontFamily}`;
      pen.textAlign = "center";
      pen.textBaseline = "middle";
    }
    for (let i = 0; i < rows * columns; i++) {
      const row = Math.floor(i / columns),
        column = i % columns;
      const x = column * cell,
        y = row * cell;
      if (masked?.(row, column)) {
        hatched.push([x, y]);
        continue;
      }
      const here = colour(i);
      pen.fillStyle = cssColour(here);
      pen.fillRect(x, y, cell - gap, cell - gap);
      if (!numbers) continue;
      pen.fillStyle = inkOn(here);
      pen.fillText(text(row, column), x + (cell - gap) / 2, y + cell / 2 + 0.5);
    }
    hatchCells(pen, hatched, cell, paint);
  }
}

/** The pen of a canvas of this size in pixels of the page, sharp on any screen. */
export function sizedPen(canvas, width, height) {
  const density = Math.min(3, globalThis.devicePixelRatio || 1);
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.setTransform(density, 0, 0, density, 0, 0);
  return pen;
}

/** Thin slanted lines over these squares, in step from one to the next. */
function hatchCells(pen, corners, size, paint) {
  if (corners.length === 0) return;
  pen.save();
  pen.beginPath();
  for (const [x, y] of corners) pen.rect(x, y, size, size);
  pen.clip();
  pen.beginPath();
  const { width, height } = pen.canvas;
  for (let x = -height; x < width; x += 6) {
    pen.moveTo(x, height);
    pen.lineTo(x + height, 0);
  }
  pen.strokeStyle = cssColour(paint.hatch);
  pen.lineWidth = 1;
  pen.stroke();
  pen.restore();
}
