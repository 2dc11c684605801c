/**
 * One head in four steps: scores, mask, softmax, weighted sum of the values.
 *
 * The matrix shows every pair of tokens; beside it stands where the numbers of one cell
 * come from, and what the model says next. A row is one token's reading budget of 1.
 */

import { Bars } from "../ui/bars.js";
import { Budget } from "../ui/budget.js";
import { selectBox } from "../ui/controls.js";
import { div, element, fill, inRole } from "../ui/dom.js";
import { showNumber, showShare } from "../ui/format.js";
import { Frame } from "../ui/frame.js";
import { Matrix } from "../ui/matrix.js";
import { pieceName } from "../ui/pieces.js";
import { signedScale } from "../ui/scale.js";
import { Stepper } from "../ui/stepper.js";
import { ranked, softmaxOf } from "../core/sampling.js";
import { headKeep, headNumbers, mostRead, pickedHead, rowOf } from "./attention_math.js";
import { StepDetail, formulaOf } from "./attention_detail.js";

const STEP_NAMES = ["Scores", "Mask", "Softmax", "Weighted sum"];
const NEXT_SHOWN = 5; // next tokens

/** @param {{model: any, el: HTMLElement}} host @returns {() => void} */
export function renderAttentionSteps({ model, el }) {
  const frame = new Frame({
    model,
    el,
    load: loadHeads,
    draw,
    sentence: stepsSentence,
    table: stepsTable,
    note: pickedNote,
    question: "How does a token decide which earlier tokens to read?",
    state: { layer: null, head: null, position: null, step: 2 },
  });
  const parts = stepsParts(frame);
  let seen = ""; // what the cursor was last placed for

  function draw(result, state) {
    const view = stepView(result, state);
    const { pieces, config, layer, head, row, numbers } = view;
    parts.layer.update({
      value: layer,
      options: numberedOptions("layer", config.n_layer),
    });
    parts.head.update({ value: head, options: numberedOptions("head", config.n_head) });
    parts.stepper.update(state.step);
    fill(parts.lead, stepsLead(view, state.step));
    parts.inspect = (r, c) => {
      fill(parts.formula, formulaOf(view, state.step, r, c));
      parts.detail.update(view, state.step, r, c);
      const shares = rowOf(numbers.pattern, numbers.tokens, r);
      parts.budget.update(pieces.slice(0, r + 1), shares, c);
    };
    parts.budget.element.hidden = state.step < 2;
    parts.matrix.update(stepsMatrix(view, state));
    const place = JSON.stringify([state.text, layer, head, row]);
    const [, column] = parts.matrix.at;
    const start =
      place === seen ? column : mostRead(numbers.pattern, numbers.tokens, row);
    seen = place;
    parts.matrix.move(row, start, true);
    parts.next.update(stepsNext(result));
  }

  return frame.start();
}

function stepsParts(frame) {
  frame.promptField();
  const choose = (key) => (value) => frame.set({ [key]: Number(value) });
  const layer = selectBox({ label: "Layer", onInput: choose("layer") });
  const head = selectBox({ label: "Head", onInput: choose("head") });
  frame.controls.append(layer.element, head.element);
  const stepper = new Stepper({
    label: "Steps",
    steps: STEP_NAMES,
    onStep: (step) => frame.set({ step }),
  });
  const matrix = new Matrix({
    label: "Every pair of tokens",
    rowName: "query",
    columnName: "key",
    onMove: (row, column) => parts.inspect(row, column),
    onPin: (row) => frame.set({ position: row }),
    onRelease: () => frame.set({ position: null }),
  });
  const lead = element("p", { class: "mg-lead mg-quiet" });
  const formula = element("p", { class: "mg-formula" });
  const detail = new StepDetail();
  const budget = new Budget({ label: "Reading budget" });
  const next = new Bars({ label: "Next token" });
  const after = div(
    "",
    element("p", { class: "mg-heading" }, "What the model says next"),
    next.element,
  );
  const panel = div(
    "mg-panel",
    div("mg-why", formula, budget.element, detail.element),
    after,
  );
  frame.body.append(stepper.element, lead, div("mg-two", matrix.element, panel));
  const parts = {
    layer,
    head,
    stepper,
    matrix,
    lead,
    formula,
    detail,
    budget,
    next,
    inspect: (row, column) => {},
  };
  return parts;
}

/** What is asked once per text: all heads, so that choosing another is at once. */
export async function loadHeads({ ask, state, about }) {
  const { config, vocabulary } = about;
  const { ids, pieces } = await ask("encode", { text: state.text });
  const { arrays } = await ask("run", { ids, keep: headKeep(config) });
  return { config, vocabulary, pieces, arrays };
}

/** The chosen head and row, in numbers. */
export function stepView({ config, pieces, arrays }, state) {
  const { layer, head } = pickedHead(arrays, config, state.layer, state.head);
  const numbers = headNumbers(arrays, config, layer, head);
  const row = Math.min(state.position ?? pieces.length - 1, pieces.length - 1);
  return { config, pieces, layer, head, numbers, row };
}

/** Which head it is, when the figure chose it. */
export function pickedNote(result, state) {
  if (state.layer !== null && state.head !== null) return "";
  return "The figure chose the head that looks most firmly at single earlier tokens.";
}

function stepsMatrix({ pieces, numbers, row }, { step, position }) {
  const content = {
    rows: pieces,
    columns: pieces,
    pinned: position === null ? null : row,
  };
  if (step < 2) {
    content.values = numbers.scores;
    content.scale = signedScale(numbers.scores);
    content.digits = 1;
    content.key = "score";
  } else {
    content.values = numbers.pattern;
    content.scale = { kind: "share" };
    content.key = "share of the reading";
  }
  if (step > 0) {
    content.masked = (r, c) => c > r;
    content.maskedNote = "comes later: not to be seen";
  }
  return content;
}

/** Layers or heads as options of a select box. */
export function numberedOptions(word, count) {
  return Array.from({ length: count }, (_, i) => [String(i), `${word} ${i}`]);
}

function stepsLead({ numbers }, step) {
  const root = `\u221a${numbers.size}`;
  const query = inRole("query", "query");
  const key = inRole("key", "key");
  const values = inRole("value", "values");
  return [
    ["Each ", query, " meets every ", key, `: their dot product, divided by ${root}.`],
    ["A token may not look ahead: the scores of later tokens become \u2212\u221e."],
    ["Each row becomes shares of 1: exponentials, divided by their sum."],
    ["The budget is spent: the ", values, " are averaged, weighted by the shares."],
  ][step];
}

function stepsNext({ arrays, vocabulary, pieces }) {
  const size = vocabulary.length;
  const start = (pieces.length - 1) * size;
  const probs = softmaxOf(arrays.logits.data.subarray(start, start + size));
  return Array.from(ranked(probs).subarray(0, NEXT_SHOWN), (id) => ({
    name: { id, text: vocabulary[id] },
    value: probs[id],
  }));
}

function stepsSentence(result, state) {
  const view = stepView(result, state);
  const { pieces, numbers, row, layer, head } = view;
  const { tokens, pattern, scores } = numbers;
  const best = mostRead(pattern, tokens, row);
  const own = pieceName(pieces[row]);
  const read = pieceName(pieces[best]);
  const score = showNumber(scores[row * tokens + best]);
  const share = showShare(pattern[row * tokens + best]);
  const [next] = stepsNext(result);
  const said = `${pieceName(next.name)} with ${showShare(next.value)}`;
  const what = [
    `among what ${own} may see, ${read} matches best, with a score of ${score}.`,
    `${own} may look at ${row + 1} of ${tokens} tokens.`,
    `${own} spends ${share} of its budget of 1 on ${read}.`,
    `${own} takes along ${share} of the values of ${read}.`,
  ][state.step];
  return `Layer ${layer}, head ${head}: ${what} After the text the model says ${said}.`;
}

function stepsTable(result, state) {
  const { pieces, numbers } = stepView(result, state);
  const { tokens, scores, pattern } = numbers;
  const cell = (row, column) => {
    if (state.step > 0 && column > row) return "masked";
    const at = row * tokens + column;
    return state.step < 2 ? showNumber(scores[at], 3) : showShare(pattern[at], 3);
  };
  return {
    caption:
      state.step < 2
        ? "Scores: query in the row, key in the column"
        : "Shares: each row adds up to 1",
    columns: ["query", ...pieces],
    rows: pieces.map((piece, row) => [
      piece,
      ...pieces.map((_, column) => cell(row, column)),
    ]),
  };
}
