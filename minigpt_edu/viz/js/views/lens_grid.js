/**
 * The logit lens as a grid of guesses: a row for every token, a column for every depth.
 *
 * Each cell names the best guess for the next token and is coloured by its probability.
 * Arrow keys move, Enter or a click opens a cell, Escape lets go.
 */

import { div, element, fill, setAttributes, span } from "../ui/dom.js";
import { showPercent } from "../ui/format.js";
import { movedBy } from "../ui/grid_keys.js";
import { legendOf } from "../ui/legend.js";
import { pieceName, pieceNode } from "../ui/pieces.js";
import { colourOf, cssColour, inkOn, readPaint } from "../ui/scale.js";

const LENS_SCALE = { kind: "share" };

/** The grid; `element` is what goes into the page. */
export class LensGrid {
  /**
   * @param {{onOpen: (position: number, depth: number) => void,
   *   onRelease: () => void}} options
   */
  constructor(options) {
    this.options = options;
    this.grid = element("div", {
      class: "mg-lens",
      role: "grid",
      "aria-label": "Best guess at every token and depth: arrow keys move, Enter opens",
      onkeydown: (event) => this.#key(event),
      onclick: (event) => this.#click(event),
    });
    this.legend = div("mg-legend");
    this.box = div("mg-scroll mg-lens-box", this.grid);
    this.element = div("", this.box, this.legend);
  }

  /**
   * @param {{pieces: any[], depths: string[], cells: {id: number, p: number}[][],
   *   token: (id: number) => any, chosen: number[]}} content cells by depth, then token
   */
  update(content) {
    this.content = content;
    const { pieces, depths, chosen } = content;
    const at = this.grid.contains(document.activeElement)
      ? document.activeElement?.dataset.at
      : undefined;
    const paint = readPaint(this.element);
    this.grid.style.setProperty("--mg-columns", String(depths.length));
    const line = (cells) => element("div", { role: "row" }, cells);
    const heads = ["reads", ...depths, "comes next"].map((name) =>
      element("span", { role: "columnheader" }, name),
    );
    const rows = pieces.map((piece, row) => {
      const here = row === chosen[0] ? "mg-here" : null;
      const next = pieces[row + 1];
      return line([
        element("span", { role: "rowheader", class: here }, pieceNode(piece)),
        depths.map((_, depth) => this.#cell(row, depth, paint)),
        element(
          "span",
          { role: "gridcell", class: "mg-quiet" },
          next ? pieceNode(next) : "?",
        ),
      ]);
    });
    fill(this.grid, line(heads), rows);
    const key = legendOf({ scale: LENS_SCALE, paint, key: "chance of the best guess" });
    const some = this.grid.querySelector(".mg-right") !== null;
    fill(this.legend, key, some && span("", "underlined: it comes next"));
    this.#reveal(chosen.join());
    if (at !== undefined) this.#find(at)?.focus();
  }

  #cell(row, depth, paint) {
    const { cells, token, chosen, pieces, depths } = this.content;
    const { id, p } = cells[depth][row];
    const colour = colourOf(p, LENS_SCALE, paint);
    const own = row === chosen[0] && depth === chosen[1];
    const right = pieces[row + 1]?.id === id;
    const label =
      `${depths[depth]}, at ${pieceName(pieces[row])}: ` +
      `${pieceName(token(id))} ${showPercent(p)}${right ? ", which comes next" : ""}`;
    return element(
      "div",
      {
        role: "gridcell",
        tabindex: own ? "0" : "-1",
        class: right ? "mg-right" : null,
        "data-at": `${row},${depth}`,
        "aria-selected": String(own),
        "aria-label": label,
        style: `background: ${cssColour(colour)}; color: ${inkOn(colour)}`,
      },
      pieceNode(token(id)),
    );
  }

  #find(at) {
    return this.grid.querySelector(`[data-at="${at}"]`);
  }

  /** Scrolls the box, and only the box, when another cell is chosen. */
  #reveal(at) {
    if (this.revealed === at) return;
    this.revealed = at;
    const { offsetLeft, offsetTop, offsetWidth, offsetHeight } = this.#find(at);
    const { box } = this;
    const right = offsetLeft + offsetWidth - box.clientWidth + 8;
    const below = offsetTop + offsetHeight - box.clientHeight + 8;
    box.scrollLeft = Math.max(box.scrollLeft, right);
    box.scrollTop = Math.max(box.scrollTop, below);
  }

  #click(event) {
    const at = event.target.closest("[data-at]")?.dataset.at;
    if (at) this.options.onOpen(...at.split(",").map(Number));
  }

  #key(event) {
    const at = event.target.dataset.at?.split(",").map(Number);
    if (at === undefined) return;
    const { pieces, depths } = this.content;
    const moved = movedBy(event.key, at, pieces.length, depths.length);
    if (moved !== null) {
      setAttributes(event.target, { tabindex: "-1" });
      const cell = this.#find(moved.join());
      setAttributes(cell, { tabindex: "0" });
      cell.focus();
    } else if (event.key === "Enter" || event.key === " ") this.options.onOpen(...at);
    else if (event.key === "Escape") this.options.onRelease();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
