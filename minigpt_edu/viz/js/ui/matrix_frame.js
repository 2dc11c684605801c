/** The elements of a matrix: labels that stay in sight, cells that scroll, legend. */

import { Cells } from "./cells.js";
import { div, element, freshId, span } from "./dom.js";

/**
 * @param {{label: string, rowName: string, columnName: string, idle: boolean}} options
 *   idle: nobody else says what is under the cursor, so a line below does
 * @param {Record<string, (event: any) => void>} on what the cells listen to
 */
export function matrixFrame({ label, rowName, columnName, idle }, on) {
  const id = freshId();
  const cells = new Cells();
  const cursor = element("div", { class: "mg-cursor", role: "gridcell", id });
  const line = element("div", { role: "row" }, cursor);
  const rowFrame = div("mg-row-frame");
  const help = `${label}: arrow keys move, Enter chooses the row`;
  const focus = { role: "grid", tabindex: "0", "aria-activedescendant": id };
  const attributes = { class: "mg-cells", ...focus, "aria-label": help, ...on };
  const grid = element("div", attributes, cells.element, rowFrame, line);
  const rowLabels = div("mg-row-labels");
  const columnLabels = div("mg-column-labels");
  const asides = div("mg-asides");
  const names = [`${columnName} \u2192`, `${rowName} \u2193`];
  const corner = div(
    "mg-corner",
    names.map((name) => span("", name)),
  );
  const readout = idle ? element("p", { class: "mg-readout" }) : null;
  for (const part of [rowFrame, rowLabels, columnLabels, asides, corner, readout]) {
    part?.setAttribute("aria-hidden", "true"); // the cursor says all of it
  }
  const parts = [corner, columnLabels, rowLabels, grid, asides];
  const box = div("mg-scroll mg-matrix-box", div("mg-matrix-grid", parts));
  const legend = div("mg-legend");
  const whole = div(`mg-matrix ${idle ? "mg-idle" : ""}`, box, legend, readout);
  return {
    element: whole, box, cells, grid, cursor, line, rowFrame, rowLabels, columnLabels,
    asides, legend, readout,
  };
}
