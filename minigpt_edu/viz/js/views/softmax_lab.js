/**
 * A softmax to play with: one real row of scores, its exponentials, its shares.
 *
 * Each score can be dragged; temperature, the root of the head's size, the subtraction
 * of the largest and the precision can be changed. Nothing is clipped: an overflow is
 * computed and shown.
 */

import { pushButton, selectBox, slider, toggle } from "../ui/controls.js";
import { div, element, fill, span } from "../ui/dom.js";
import { showCount, showLoosely, showNumber, showShare } from "../ui/format.js";
import { Frame } from "../ui/frame.js";
import { pieceName } from "../ui/pieces.js";
import { roundedUp } from "../ui/scale.js";
import { scoreParts } from "./attention_math.js";
import { loadHeads, numberedOptions, pickedNote, stepView } from "./attention_steps.js";
import { HALF_MAX, effectiveChoices, entropyBits, softmaxRow } from "./softmax_math.js";
import { SoftmaxRows } from "./softmax_rows.js";

/** @param {{model: any, el: HTMLElement}} host @returns {() => void} */
export function renderSoftmaxLab({ model, el }) {
  const frame = new Frame({
    model,
    el,
    load: loadHeads,
    draw,
    sentence: softmaxSentence,
    table: softmaxTable,
    note: pickedNote,
    question: "What does the softmax make of a row of scores?",
    state: {
      layer: null,
      head: null,
      position: null,
      temperature: 1,
      root: true,
      stable: true,
      half: false,
      moved: null,
    },
  });
  const parts = softmaxParts(frame);

  function draw(result, state) {
    const view = softmaxView(result, state);
    const { pieces, config, layer, head, row, numbers, done } = view;
    parts.layer.update({
      value: layer,
      options: numberedOptions("layer", config.n_layer),
    });
    parts.head.update({ value: head, options: numberedOptions("head", config.n_head) });
    parts.token.update({
      value: row,
      options: pieces.map((piece, i) => [String(i), `${i}: ${pieceName(piece)}`]),
    });
    parts.temperature.update(Math.log2(state.temperature));
    parts.root.update(state.root);
    fill(parts.root.text, `divide by \u221a${numbers.size}`);
    parts.stable.update(state.stable);
    parts.half.update(state.half);
    parts.back.input.disabled = Object.keys(view.moved).length === 0;
    parts.drag = (i, score) =>
      frame.set({
        moved: { place: view.place, scores: { ...view.moved, [i]: score } },
      });
    parts.rows.update({
      pieces: pieces.slice(0, row + 1),
      scores: view.scores,
      limit: view.limit,
      row: done,
      moved: (i) => i in view.moved,
      names: headings(state),
    });
    fill(parts.sums, sumLine(view));
  }

  return frame.start();
}

function softmaxParts(frame) {
  frame.promptField();
  const number = (key) => (value) => frame.set({ [key]: Number(value) });
  const flag = (key) => (on) => frame.set({ [key]: on });
  const layer = selectBox({ label: "Layer", onInput: number("layer") });
  const head = selectBox({ label: "Head", onInput: number("head") });
  const token = selectBox({ label: "Row of", onInput: number("position") });
  frame.controls.append(layer.element, head.element, token.element);
  const temperature = slider({
    label: "Temperature",
    min: -4,
    max: 4,
    step: 0.25,
    show: (power) => showNumber(2 ** power),
    onInput: (power) => frame.set({ temperature: 2 ** power }),
  });
  const root = toggle({ label: "", onInput: flag("root") });
  const stable = toggle({ label: "subtract the largest", onInput: flag("stable") });
  const half = toggle({ label: "in float16", onInput: flag("half") });
  const back = pushButton({
    label: "Put the scores back",
    onPress: () => frame.set({ moved: null }),
  });
  const rows = new SoftmaxRows({ onScore: (i, score) => parts.drag(i, score) });
  const sums = element("p", { class: "mg-formula mg-softmax-sums" });
  frame.body.append(
    div(
      "mg-controls",
      temperature.element,
      root.element,
      stable.element,
      half.element,
    ),
    rows.element,
    div("mg-softmax-foot", sums, back.element),
  );
  const parts = {
    layer,
    head,
    token,
    temperature,
    root,
    stable,
    half,
    back,
    rows,
    sums,
    drag: (i, score) => {},
  };
  return parts;
}

/** The row as it is now: the model's scores, those that were dragged, the softmax. */
function softmaxView(result, state) {
  const view = stepView(result, state);
  const { numbers, layer, head, row } = view;
  const own = Array.from({ length: row + 1 }, (_, s) => {
    const { dot, score } = scoreParts(numbers, row, s);
    return state.root ? score : dot;
  });
  const place = JSON.stringify([state.text, layer, head, row, state.root]);
  const moved = state.moved?.place === place ? state.moved.scores : {};
  const scores = own.map((score, s) => moved[s] ?? score);
  const limit = roundedUp(1.2 * Math.max(...own.map(Math.abs)));
  return { ...view, place, moved, scores, limit, done: softmaxRow(scores, state) };
}

function headings({ temperature, stable, root }) {
  const scaled = temperature === 1 ? "score" : `score / ${showNumber(temperature)}`;
  return [
    "token",
    root ? "score" : "score, not divided",
    stable ? `exp(${scaled} \u2212 largest)` : `exp(${scaled})`,
    "share of 1",
  ];
}

function sumLine({ done, row }) {
  const measure = (name, text) =>
    span("mg-measure", span("mg-quiet", name), " ", element("strong", {}, text));
  const total = done.shares.reduce((sum, share) => sum + share, 0);
  return [
    measure("sum of the exponentials", showLoosely(done.sum)),
    measure("sum of the shares", showNumber(total)),
    measure("entropy", `${showNumber(entropyBits(done.shares))} bits`),
    measure(
      "as undecided as",
      `${showNumber(effectiveChoices(done.shares), 1)} of ${row + 1} choices`,
    ),
  ];
}

function softmaxSentence(result, state) {
  const { pieces, done, row } = softmaxView(result, state);
  if (done.shares.some(Number.isNaN)) return brokenSentence(done, state.half);
  const largest = Math.max(...done.shares);
  const best = pieceName(pieces[done.shares.indexOf(largest)]);
  const choices = showNumber(effectiveChoices(done.shares), 1);
  const spent = `${showShare(largest)} of its budget to ${best}`;
  const who = pieceName(pieces[row]);
  return `${who} gives ${spent}, as undecided as ${choices} equal choices.`;
}

function brokenSentence({ powers, shifted }, half) {
  const at = powers.indexOf(Infinity);
  const least = half ? "float16" : "float64";
  const most = half ? `${showCount(HALF_MAX)}, the largest number of float16` : least;
  const why =
    at < 0
      ? `every exponential is too small for ${least}, and 0 / 0`
      : `exp(${showNumber(shifted[at])}) is beyond ${most}, and \u221e / \u221e`
  const fix = "With the largest subtracted first, it holds.";
  return `The softmax breaks: ${why} is no number. ${fix}`;
}

function softmaxTable(result, state) {
  const { pieces, scores, done, row } = softmaxView(result, state);
  return {
    caption: `The softmax of the row of ${pieceName(pieces[row])}`,
    columns: headings(state),
    rows: scores.map((score, s) => [
      pieces[s],
      showNumber(score),
      showLoosely(done.powers[s]),
      showShare(done.shares[s], 3),
    ]),
  };
}
