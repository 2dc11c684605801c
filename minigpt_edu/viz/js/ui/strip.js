/**
 * A vector as a strip of small coloured squares, with its name before it.
 *
 *     const strip = new Strip({ label: "query of boat", role: "query", name: "q" });
 *     strip.update(vector, { scale: signedScale(vector), text: "0.31" });
 */

import { sizedPen } from "./cells.js";
import { div, element, fill, span } from "./dom.js";
import { showNumber } from "./format.js";
import { colourOf, cssColour, readPaint } from "./scale.js";

/** The strip; `element` is what goes into the page. */
export class Strip {
  /**
   * @param {{label: string, name?: any, role?: string, height?: number,
   *   wide?: boolean}} options wide: as wide as there is room
   */
  constructor({ label, name = "", role = "residual", height = 14, wide = false }) {
    this.wide = wide;
    this.label = label;
    this.height = height;
    this.canvas = element("canvas", { class: "mg-strip-cells", role: "img" });
    this.name = span(`mg-strip-name mg-as-${role}`, name);
    this.text = span("mg-strip-text");
    const look = wide ? "mg-strip mg-strip-wide" : "mg-strip";
    this.element = div(look, this.name, this.canvas, this.text);
  }

  /**
   * @param {ArrayLike<number>} values
   * @param {{scale: import("./scale.js").Scale, name?: any, text?: any, label?: string,
   *   faint?: number}} options faint: 0..1, how strong the strip is drawn
   */
  update(values, { scale, name, text = "", label = this.label, faint = 1 }) {
    const paint = readPaint(this.element);
    const room = this.wide ? 1024 : 256;
    const width = Math.max(3, Math.min(8, Math.floor(room / values.length)));
    const pen = sizedPen(this.canvas, values.length * width, this.height);
    if (this.wide) this.canvas.style.width = "100%";
    pen.globalAlpha = faint;
    let low = Infinity,
      high = -Infinity;
    Array.from(values).forEach((value, i) => {
      low = Math.min(low, value);
      high = Math.max(high, value);
      pen.fillStyle = cssColour(colourOf(value, scale, paint));
      pen.fillRect(i * width, 0, width - (width > 4 ? 0.75 : 0.5), this.height);
    });
    if (name !== undefined) fill(this.name, name);
    fill(this.text, text);
    const range = `from ${showNumber(low)} to ${showNumber(high)}`;
    this.canvas.setAttribute(
      "aria-label",
      `${label}: ${values.length} numbers ${range}`,
    );
  }
}
