/**
 * One real head under four masks, and a leak test: the last token is exchanged, and
 * every row of z that moves although it stands before it has seen the future.
 *
 * Only this head is masked differently, and only here: queries, keys and values come
 * from the model as it is.
 */

import { selectBox } from "../ui/controls.js";
import { element } from "../ui/dom.js";
import { showNumber, showShare } from "../ui/format.js";
import { Frame } from "../ui/frame.js";
import { Matrix } from "../ui/matrix.js";
import { pieceName } from "../ui/pieces.js";
import { ranked } from "../core/sampling.js";
import { headKeep, headNumbers, rowOf } from "./attention_math.js";
import { loadHeads, numberedOptions, pickedNote, stepView } from "./attention_steps.js";
import { MASKS, leakTest, maskCalled, maskedPattern, rowSums } from "./mask_math.js";
import { MaskPicker } from "./mask_picker.js";

const MASK_OTHERS = 6; // tokens that the last one can become

/** @param {{model: any, el: HTMLElement}} host @returns {() => void} */
export function renderMaskLab({ model, el }) {
  const frame = new Frame({
    model,
    el,
    load: loadBoth,
    draw,
    sentence: maskSentence,
    table: maskTable,
    note: pickedNote,
    reload: ["text", "other"],
    question: "Which mask keeps a token from reading the future?",
    state: { layer: null, head: null, mask: "causal", other: null },
  });
  const parts = maskParts(frame);

  function draw(result, state) {
    const view = maskView(result, state);
    const { pieces, config, layer, head, tests, patterns, mask } = view;
    parts.layer.update({
      value: layer,
      options: numberedOptions("layer", config.n_layer),
    });
    parts.head.update({ value: head, options: numberedOptions("head", config.n_head) });
    parts.other.update({
      value: result.other.id,
      options: result.others.map((piece) => [String(piece.id), pieceName(piece)]),
    });
    const verdicts = MASKS.map(({ kind }) => [kind, verdictOf(tests[kind])]);
    parts.picker.update({
      patterns,
      pieces,
      chosen: mask.kind,
      verdicts: Object.fromEntries(verdicts),
    });
    parts.matrix.update({
      rows: pieces,
      columns: pieces,
      values: patterns[mask.kind],
      scale: { kind: "share" },
      key: "share of the reading",
      masked: (row, column) => !mask.seen(row, column),
      maskedNote: mask.after
        ? "set to 0 after the softmax"
        : "\u2212\u221e before the softmax",
      asides: [sumsAside(view), movesAside(view)],
    });
  }

  return frame.start();
}

function maskParts(frame) {
  frame.promptField();
  const number = (key) => (value) => frame.set({ [key]: Number(value) });
  const layer = selectBox({ label: "Layer", onInput: number("layer") });
  const head = selectBox({ label: "Head", onInput: number("head") });
  const other = selectBox({
    label: "Exchange the last token for",
    onInput: number("other"),
  });
  frame.controls.append(layer.element, head.element, other.element);
  const picker = new MaskPicker({ onPick: (mask) => frame.set({ mask }) });
  const matrix = new Matrix({
    label: "Pattern under the mask",
    rowName: "query",
    columnName: "key",
  });
  frame.body.append(picker.element, matrix.element);
  return { layer, head, other, picker, matrix };
}

/** The text, and the same text with another last token: both through the model. */
async function loadBoth(given) {
  const { ask, state } = given;
  const result = await loadHeads(given);
  const { config, vocabulary, pieces, arrays } = result;
  if (pieces.length < 2) {
    throw new Error("The leak test needs two tokens: type one more word.");
  }
  const own = pieces.at(-1).id;
  // What the model expected in the place of the last token.
  const expected = rowOf(arrays.logits.data, vocabulary.length, pieces.length - 2);
  const order = ranked(expected);
  const others = Array.from(order.subarray(0, MASK_OTHERS + 1))
    .filter((id) => id !== own)
    .slice(0, MASK_OTHERS)
    .map((id) => ({ id, text: vocabulary[id] }));
  const other = others.find(({ id }) => id === state.other) ?? others[0];
  const ids = [...pieces.slice(0, -1).map((piece) => piece.id), other.id];
  const changed = await ask("run", { ids, keep: headKeep(config) });
  return { ...result, others, other, changed: changed.arrays, tried: new Map() };
}

function maskView(result, state) {
  const view = stepView(result, state);
  const { layer, head, numbers, config } = view;
  const key = `${layer} ${head}`;
  if (!result.tried.has(key)) {
    const after = headNumbers(result.changed, config, layer, head);
    result.tried.set(key, tryMasks(numbers, after));
  }
  return { ...view, mask: maskCalled(state.mask), ...result.tried.get(key) };
}

/** The pattern and the leak test under every mask. */
function tryMasks(before, after) {
  const patterns = {};
  const tests = {};
  for (const { kind } of MASKS) {
    patterns[kind] = maskedPattern(before.scores, before.tokens, kind);
    tests[kind] = leakTest(before, after, kind);
  }
  return { patterns, tests };
}

function verdictOf({ leaks, moved }) {
  return leaks === 0 ? "no leak" : `${leaks} of ${moved.length - 1} rows leak`;
}

function sumsAside({ patterns, mask, numbers }) {
  const items = rowSums(patterns[mask.kind], numbers.tokens).map((sum) => ({
    text: showNumber(sum),
    share: sum,
    role: sum < 1 - 1e-6 ? "alarm" : undefined,
  }));
  return { name: "sum of the row", items };
}

function movesAside({ tests, mask }) {
  const { moved, rounding } = tests[mask.kind];
  const earlier = moved.slice(0, -1);
  const longest = Math.max(...earlier, rounding);
  const items = moved.map((distance, row) => ({
    // the last token itself may move
    share: distance > rounding ? distance / longest : 0,
    text: moveText(distance, rounding),
    role: row < earlier.length ? "alarm" : "quiet",
  }));
  return { name: "z moves by", items };
}

function moveText(distance, rounding) {
  return distance <= rounding ? "0" : showShare(distance, 3);
}

function maskSentence(result, state) {
  const { pieces, tests, mask, patterns, numbers } = maskView(result, state);
  const { leaks, moved } = tests[mask.kind];
  const swap = `${pieceName(pieces.at(-1))} becomes ${pieceName(result.other)}`;
  const seen =
    leaks === 0
      ? "no earlier row of z moves: nothing of the future gets through."
      : `${leaks} of ${moved.length - 1} earlier rows of z move: they saw the future.`;
  const least = Math.min(...rowSums(patterns[mask.kind], numbers.tokens));
  const sums =
    least < 1 - 1e-6
      ? ` The rows no longer add up to 1 (the least: ${showNumber(least)}).`
      : "";
  return `${mask.name}. When ${swap}, ${seen}${sums}`;
}

function maskTable(result, state) {
  const { pieces, patterns, mask, tests, numbers } = maskView(result, state);
  const { tokens } = numbers,
    pattern = patterns[mask.kind];
  const sums = rowSums(pattern, tokens);
  const { moved, rounding } = tests[mask.kind];
  return {
    caption: `${mask.name}: shares, their sum, and how far z moves`,
    columns: ["query", ...pieces, "sum", "z moves by"],
    rows: pieces.map((piece, row) => [
      piece,
      ...pieces.map((_, c) =>
        mask.seen(row, c) ? showShare(pattern[row * tokens + c], 3) : "masked",
      ),
      showNumber(sums[row], 3),
      moveText(moved[row], rounding),
    ]),
  };
}
