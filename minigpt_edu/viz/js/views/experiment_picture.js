/** The picture of an experiment: before and after, what moved, and the controls. */

import { Chips } from "../ui/chips.js";
import { div, element, fill, span } from "../ui/dom.js";
import { showPercent } from "../ui/format.js";
import { pieceNode } from "../ui/pieces.js";
import { alignedTexts } from "./experiment_parts.js";
import { partLabel, patchWords } from "./experiment_text.js";
import { showSigned } from "./signed.js";
import { headingLine, TitledBars } from "./titled_bars.js";
import { tokenPiece } from "./tokens.js";

const MOVED = 4; // of the rises, and of the falls, that are drawn

/** The whole picture; `element` is what goes into the page. */
export class ExperimentPicture {
  /** @param {HTMLElement} more @param {(position: number) => void} onPick */
  constructor(more, onPick) {
    const label = "The next token, before and after";
    this.pairs = element("ol", { class: "mg-bars mg-pairs", "aria-label": label });
    this.moved = new TitledBars("Largest rises and falls", true);
    this.effects = new TitledBars("How much probability moves");
    this.effects.element.classList.add("mg-long-names");
    this.chips = new Chips({ label: "Change of the surprise at each token", onPick });
    const key = headingLine(
      "What comes next: ",
      span("mg-bar mg-was mg-swatch"),
      " before, ",
      span("mg-bar mg-swatch"),
      " after",
    );
    this.whole = div(
      "",
      headingLine(
        "Change of the surprise at each token, in nats. " +
          "Choose a token to change the part only there.",
      ),
      this.chips.element,
    );
    const left = div("mg-left", key, this.pairs);
    const controls = div("mg-panel", this.effects.element, div("", more));
    this.both = div("");
    this.element = div(
      "mg-panel",
      this.both,
      div("mg-two", left, this.moved.element),
      controls,
      this.whole,
    );
  }

  /** @param {any} result */
  update({ about, pieces, other, choice, effects }) {
    fill(this.both, other !== null && textsOf(pieces, other, choice.position));
    const [{ next, shift }] = effects;
    const token = (id) => tokenPiece(about, id);
    const top = Math.max(...next.best.map(({ was, is }) => Math.max(was, is)));
    fill(
      this.pairs,
      next.best.map((row) => pairOf(token(row.id), row, top)),
    );
    const moves = [
      ...next.rises.slice(0, MOVED),
      ...next.falls.slice(0, MOVED).reverse(),
    ];
    this.moved.update(
      "The largest rises and falls, in points of 100",
      moves.map(({ id, change }) => ({
        name: token(id),
        value: change,
        text: showSigned(100 * change, 1),
      })),
    );
    this.effects.update(
      "How much of all probability moves (and how the mean surprise changes, in " +
        "nats); below, the same done to others, drawn by chance",
      effects.map(({ part, next: { apart }, rise }, i) => ({
        name: partLabel(part, pieces),
        value: apart,
        text:
          rise === null
            ? showPercent(apart)
            : `${showPercent(apart)} (${showSigned(rise, 3)})`,
        chosen: i === 0,
        quiet: i > 0,
      })),
    );
    const notes = shift.map((value) => (value === null ? "\u2013" : showSigned(value)));
    this.chips.update(pieces, { chosen: choice.position, notes });
  }
}

/** Both texts under one another, and what is taken from where, in words. */
function textsOf(pieces, other, position) {
  const { count, ...places } = alignedTexts(pieces, other, position);
  const line = (name, texts, at) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, name),
      Array.from({ length: count }, (_, i) =>
        element(
          "td",
          { class: i === at ? "mg-taken" : null },
          texts[i] === undefined ? "\u2013" : pieceNode(texts[i]),
        ),
      ),
    );
  const numbers = Array.from({ length: count }, (_, i) => String(i));
  const [first, warning] = patchWords(pieces, other, places);
  const box = { class: "mg-scroll", tabindex: "0", "aria-label": "Both texts" };
  const rows = [
    line("number", numbers, -1),
    line("this text", pieces, places.put),
    line("the other", other, places.taken),
  ];
  return [
    element("div", box, element("table", { class: "mg-table mg-texts" }, rows)),
    element("p", { class: "mg-formula" }, first),
    warning && element("p", { class: "mg-formula mg-warning" }, `\u26a0 ${warning}`),
  ];
}

/** One token with two thin bars, one above the other. */
function pairOf(piece, { was, is }, top) {
  const bar = (share, look) =>
    element("span", {
      class: `mg-bar ${look}`,
      style: `width: ${(100 * share) / top}%`,
    });
  return element(
    "li",
    {},
    span("mg-bar-name", pieceNode(piece)),
    span("mg-bar-track", bar(was, "mg-was"), bar(is, "")),
    span("mg-bar-number", `${showPercent(was)} \u2192 ${showPercent(is)}`),
  );
}
