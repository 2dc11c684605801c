/**
 * The cells of a matrix on a canvas: colours, hatching, and numbers where they fit.
 */

import { cssColour, inkOn, mixColours } from "./scale.js";

const ROOM_FOR_NUMBERS = 33; // pixels of a cell

/**
 * @param {HTMLCanvasElement} canvas
 * @param {{rows: any[], columns: any[], cell: number, paint: any, from: any[], to: any[],
 *   share: number, masked?: (row: number, column: number) => boolean,
 *   text: (row: number, column: number) => string}} picture
 */
export function drawCells(canvas, picture) {
  const { rows, columns, cell, paint, from, to, share, masked, text } = picture;
  const pen = sizedPen(canvas, columns.length * cell, rows.length * cell);
  const gap = cell > 20 ? 1 : 0.5;
  const hatched = [];
  if (cell >= ROOM_FOR_NUMBERS) {
    pen.font = `${cell >= 40 ? 12 : 11}px ${getComputedStyle(canvas).fontFamily}`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
  }
  for (let row = 0; row < rows.length; row++) {
    for (let column = 0; column < columns.length; column++) {
      const x = column * cell, y = row * cell, at = row * columns.length + column;
      if (masked?.(row, column)) {
        hatched.push([x, y]);
        continue;
      }
      const colour = share < 1 ? mixColours(from[at], to[at], share) : to[at];
      pen.fillStyle = cssColour(colour);
      pen.fillRect(x, y, cell - gap, cell - gap);
      if (cell < ROOM_FOR_NUMBERS) continue;
      pen.fillStyle = inkOn(colour);
      pen.fillText(text(row, column), x + cell / 2 - gap / 2, y + cell / 2 + 0.5);
    }
  }
  hatchCells(pen, hatched, cell - gap, paint);
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
