/**
 * One line per token: its score, which can be dragged, its exponential, its share.
 */

import { div, element, fill, span } from "../ui/dom.js";
import { showLoosely, showNumber, showShare } from "../ui/format.js";
import { pieceName, pieceNode } from "../ui/pieces.js";

/** The lines; `element` is what goes into the page. */
export class SoftmaxRows {
  /** @param {{onScore: (index: number, score: number) => void}} options */
  constructor({ onScore }) {
    this.onScore = onScore;
    this.lines = [];
    this.heads = [0, 1, 2, 3].map(() => element("span", {}));
    const head = div("mg-softmax-line mg-softmax-head", this.heads);
    this.list = div("mg-softmax-list");
    this.element = div("mg-softmax", head, this.list);
  }

  /**
   * @param {{pieces: any[], scores: number[], limit: number, row: any, names: any[],
   *   moved: (i: number) => boolean}} content `row`: what softmaxRow computed
   */
  update({ pieces, scores, limit, moved, row, names }) {
    this.heads.forEach((head, i) => fill(head, names[i]));
    while (this.lines.length > pieces.length) this.lines.pop().element.remove();
    while (this.lines.length < pieces.length) {
      const line = softmaxLine((score) =>
        this.onScore(this.lines.indexOf(line), score),
      );
      this.lines.push(line);
      this.list.append(line.element);
    }
    const largest = Math.max(...row.powers, Number.MIN_VALUE);
    this.lines.forEach((line, i) => {
      fill(line.name, pieceNode(pieces[i]));
      line.element.classList.toggle("mg-softmax-moved", moved(i));
      setHandle(line.input, scores[i], limit, pieceName(pieces[i]));
      line.score.textContent = showNumber(scores[i]);
      setBar(line.power, row.powers[i] / largest, showLoosely(row.powers[i]));
      setBar(line.share, row.shares[i], showShare(row.shares[i]));
    });
  }
}

function softmaxLine(onInput) {
  const input = element("input", {
    type: "range",
    class: "mg-handle",
    oninput: () => onInput(Number(input.value)),
  });
  const name = span("mg-softmax-name");
  const score = span("mg-bar-number");
  const power = softmaxBar("mg-softmax-power"),
    share = softmaxBar("mg-softmax-share");
  const whole = div(
    "mg-softmax-line",
    name,
    span("mg-softmax-score", input, score),
    power.element,
    share.element,
  );
  return { element: whole, name, input, score, power, share };
}

function softmaxBar(kind) {
  const bar = span("mg-bar");
  const number = span("mg-bar-number");
  const track = span("mg-bar-track", bar);
  return {
    element: span(`mg-softmax-bar ${kind}`, track, number),
    bar,
    number,
  };
}

function setBar({ bar, number }, share, text) {
  const whole = text === "\u221e" ? 1 : share;
  bar.style.width = `${100 * (Number.isNaN(whole) ? 0 : Math.min(1, whole))}%`;
  number.textContent = text;
  number.classList.toggle("mg-alarm", text === "NaN" || text === "\u221e");
}

/** The bar of the slider reaches from zero, in the middle, to the handle. */
function setHandle(input, score, limit, name) {
  input.min = String(-limit);
  input.max = String(limit);
  input.step = String(limit / 200);
  if (Math.abs(Number(input.value) - score) > limit / 300) input.value = String(score);
  const place = 50 + (50 * Math.max(-limit, Math.min(limit, score))) / limit;
  input.style.setProperty("--mg-from", `${Math.min(50, place)}%`);
  input.style.setProperty("--mg-to", `${Math.max(50, place)}%`);
  input.setAttribute("aria-label", `score of ${name}`);
  input.setAttribute("aria-valuetext", showNumber(score));
}
