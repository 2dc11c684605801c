/**
 * A text as its tokens, one of which can be chosen.
 *
 *     const chips = new Chips({ label: "Tokens", onPick: (position) => ... });
 *     chips.update(pieces, { chosen: 3, notes: ids.map(String) });
 *
 * One chip is in the order of the Tab key; the arrow keys walk, Enter chooses.
 */

import { element, fill, setAttributes } from "./dom.js";
import { pieceName, pieceNode } from "./pieces.js";

/** The row of tokens; `element` is what goes into the page. */
export class Chips {
  /** @param {{label: string, onPick?: (position: number) => void}} options */
  constructor({ label, onPick = () => {} }) {
    this.onPick = onPick;
    this.element = element("div", {
      class: "mg-chips",
      role: "group",
      "aria-label": label,
      onkeydown: (event) => this.#key(event),
    });
  }

  /**
   * @param {any[]} pieces
   * @param {{chosen?: number | null, notes?: string[]}} [options]
   */
  update(pieces, { chosen = null, notes = [] } = {}) {
    const had = [...this.element.children].indexOf(document.activeElement);
    fill(
      this.element,
      pieces.map((piece, i) =>
        element(
          "button",
          {
            type: "button",
            class: "mg-chip",
            "aria-label": `${pieceName(piece)} ${notes[i] ?? ""}`,
            "aria-pressed": String(i === chosen),
            tabindex: i === (chosen ?? 0) ? "0" : "-1",
            onclick: () => this.onPick(i),
          },
          pieceNode(piece),
          notes[i] === undefined ? null : element("small", {}, notes[i]),
        ),
      ),
    );
    if (had >= 0) this.element.children[Math.min(had, pieces.length - 1)]?.focus();
  }

  #key(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by === undefined) return;
    const all = [...this.element.children];
    const to = all[all.indexOf(document.activeElement) + by];
    if (to === undefined) return;
    event.preventDefault();
    all.forEach((chip) => setAttributes(chip, { tabindex: chip === to ? "0" : "-1" }));
    to.focus();
  }
}
