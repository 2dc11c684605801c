/** The masks side by side, small, each with what the leak test says; one is chosen. */

import { Cells } from "../ui/cells.js";
import { element, fill, setAttributes, span } from "../ui/dom.js";
import { readPaint } from "../ui/scale.js";
import { MASKS } from "./mask_math.js";

const PICKER_WIDTH = 84; // pixels of a small picture

/** The row of masks; `element` is what goes into the page. */
export class MaskPicker {
  /** @param {{onPick: (kind: string) => void}} options */
  constructor({ onPick }) {
    this.buttons = MASKS.map(({ kind, name }) => {
      const picture = new Cells();
      const verdict = span("mg-quiet");
      const button = element(
        "button",
        { type: "button", role: "radio", onclick: () => onPick(kind) },
        picture.element,
        span("mg-mask-name", name),
        verdict,
      );
      return { kind, picture, verdict, button };
    });
    this.element = element(
      "div",
      {
        class: "mg-masks",
        role: "radiogroup",
        "aria-label": "Mask",
        onkeydown: (event) => this.#key(event, onPick),
      },
      this.buttons.map(({ button }) => button),
    );
  }

  /**
   * @param {{patterns: Record<string, ArrayLike<number>>, pieces: any[],
   *   chosen: string, verdicts: Record<string, string>}} content
   */
  update({ patterns, pieces, chosen, verdicts }) {
    const paint = readPaint(this.element);
    this.buttons.forEach(({ kind, picture, verdict, button }, i) => {
      picture.draw({
        rows: pieces.length,
        columns: pieces.length,
        values: patterns[kind],
        scale: { kind: "share" },
        cell: Math.max(1, Math.round(PICKER_WIDTH / pieces.length)),
        paint,
        masked: (row, column) => !MASKS[i].seen(row, column),
      });
      fill(verdict, verdicts[kind]);
      setAttributes(button, {
        "aria-checked": String(kind === chosen),
        tabindex: kind === chosen ? "0" : "-1",
      });
    });
  }

  #key(event, onPick) {
    const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const at = this.buttons.findIndex(
      ({ button }) => button === document.activeElement,
    );
    const to = this.buttons[(at + by + this.buttons.length) % this.buttons.length];
    onPick(to.kind);
    to.button.focus();
  }
}
