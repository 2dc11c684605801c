/**
 * All heads of a model on one text: their patterns, their habits, and what happens to
 * the prediction when some of them are silenced.
 *
 * Under each pattern stands what the text costs more without that head. A striking
 * pattern is not an important one; only the second number says what the head was good for.
 */

import { Bars } from "../ui/bars.js";
import { toggle } from "../ui/controls.js";
import { element, fill } from "../ui/dom.js";
import { showNumber, showShare } from "../ui/format.js";
import { Frame } from "../ui/frame.js";
import { Gallery } from "../ui/gallery.js";
import { Matrix } from "../ui/matrix.js";
import { pieceName } from "../ui/pieces.js";
import { compareNext, meanLoss, shiftedTargets } from "./experiment_parts.js";
import { HABITS, allHeads, clearHabit, habitsOf, mostMoved, silenced } from "./heads_math.js";

const LIKELIEST = 4; // next tokens of each run

/** @param {{model: any, el: HTMLElement}} host @returns {() => void} */
export function renderHeads({ model, el }) {
  const frame = new Frame({
    model, el, load: measureHeads, draw, sentence: headsSentence, table: headsTable, note: headsNote,
    question: "What does each head do, and does the model need it?",
    state: { layer: null, head: null, out: [], position: null }, reload: ["text", "out"],
  });
  frame.promptField();
  const gallery = new Gallery({ label: "All heads, one row for each layer", onPick: (index) => {
    const [layer, head] = allHeads(frame.about.config)[index];
    frame.set({ layer, head });
  } });
  const matrix = new Matrix({
    label: "The chosen head's pattern", rowName: "query", columnName: "key", largest: 36,
    onPin: (row) => frame.set({ position: row }), onRelease: () => frame.set({ position: null }),
  });
  const silence = toggle({ label: "Silence this head", onInput: () => frame.set({ out: flipped(frame) }) });
  const title = element("p", { class: "mg-heading" });
  const next = new Bars({ label: "Next token, with all heads and without the silenced ones" });
  const nextTitle = element("p", { class: "mg-heading" });
  frame.body.append(
    element("p", { class: "mg-heading" }, "Layers from top to bottom; below each pattern, what the text costs more without the head"),
    gallery.element,
    element("div", { class: "mg-two" },
      element("div", {}, title, matrix.element),
      element("div", { class: "mg-panel" }, silence.element, nextTitle, next.element)));

  function draw(result, state) {
    const { pieces, config, heads, out } = result;
    const chosen = chosenHead(result, state);
    gallery.update({ columns: config.n_head, chosen, items: heads.map((head) => galleryItem(head, pieces)) });
    const { name, pattern, off, habit } = heads[chosen];
    fill(title, `${name}: ${habit === null ? "spread out" : HABITS[habit]}`);
    silence.update(off);
    const row = state.position === null ? null : Math.min(state.position, pieces.length - 1);
    matrix.update({ rows: pieces, columns: pieces, values: pattern, scale: { kind: "share" }, pinned: row,
      key: "share of the reading", masked: (r, c) => c > r, maskedNote: "comes later: not to be seen" });
    fill(nextTitle, out.length === 0 ? "What the model says next" : `Next, with all heads and without ${out.length}`);
    next.update(nextBars(result));
  }

  return frame.start();
}

/** The silenced heads, the chosen one flipped. */
function flipped(frame) {
  const [layer, head] = allHeads(frame.about.config)[chosenHead(frame.result, frame.state)];
  const others = frame.state.out.filter(([l, h]) => l !== layer || h !== head);
  return others.length < frame.state.out.length ? others : [...others, [layer, head]];
}

/** Runs the text with all heads, without the silenced ones, and without each in turn. */
async function measureHeads({ ask, state, about }) {
  const { config, vocabulary } = about;
  const { ids, pieces } = await ask("encode", { text: state.text });
  const targets = shiftedTargets(ids);
  const lossWith = (edits) => ask("run", { ids, keep: ["loss"], edits, targets });
  const whole = await ask("run", { ids, keep: ["blocks.*.attn.pattern", "loss"], targets });
  const loss = meanLoss(whole.arrays.loss, ids.length);
  const heads = [];
  for (const [layer, head] of allHeads(config)) {
    const without = await lossWith(silenced([[layer, head]]));
    const pattern = squareAt(whole.arrays[`blocks.${layer}.attn.pattern`], head);
    const habits = habitsOf(pattern, ids);
    const cost = loss === null ? null : meanLoss(without.arrays.loss, ids.length) - loss;
    const off = state.out.some(([l, h]) => l === layer && h === head);
    heads.push({ name: `Layer ${layer}, head ${head}`, head, pattern, habits, habit: clearHabit(habits), cost, off });
  }
  const after = state.out.length === 0 ? whole : await lossWith(silenced(state.out));
  const last = ({ arrays }) => arrays.logits.data.subarray((ids.length - 1) * vocabulary.length);
  return { config, vocabulary, pieces, heads, loss, out: state.out,
    lossAfter: meanLoss(after.arrays.loss, ids.length), next: compareNext(last(whole), last(after), LIKELIEST) };
}

function squareAt({ data, shape }, head) {
  const size = shape.at(-1) * shape.at(-2);
  return data.subarray(head * size, (head + 1) * size);
}

/** The head asked for, or the one whose loss moves the text most. */
function chosenHead({ heads, config }, { layer, head }) {
  if (layer !== null || head !== null) return (layer ?? 0) * config.n_head + (head ?? 0);
  return mostMoved(heads.map(({ cost }) => cost));
}

function withSign(value) {
  return value === null ? "\u2013" : `${value > 0 ? "+" : ""}${showNumber(value, 2)}`;
}

function galleryItem({ name, head, pattern, habit, cost, off }, pieces) {
  const tag = habit === null ? "spread out" : HABITS[habit];
  const said = `${name}, ${tag}, without it ${withSign(cost)} nats${off ? ", silenced" : ""}`;
  return { name: `head ${head}`, note: off ? "silenced" : withSign(cost), said, values: pattern, size: pieces.length, off };
}

function nextBars({ next, vocabulary, out }) {
  return next.best.flatMap(({ id, was, is }) => {
    const name = { id, text: vocabulary[id] };
    const with_ = { name, value: was };
    if (out.length === 0) return [with_];
    return [with_, { name: "without", value: is, role: "mlp", quiet: true }];
  });
}

function headsNote(_result, { layer, head }) {
  if (layer !== null || head !== null) return "";
  return "The figure chose the head: without it the cost of the text changes most.";
}

function headsSentence(result, state) {
  const { heads, loss, lossAfter, out, next, vocabulary } = result;
  const { name, habit, habits, cost } = heads[chosenHead(result, state)];
  const share = habit === null ? "reads without a clear habit" :
    `spends ${showShare(habits[habit].share)} of its reading on ${habitPhrase(habit)} (even reading would: ${showShare(habits[habit].even)})`;
  const first = `${name} ${share}.`;
  if (loss === null) return `${first} A text of one token has no next token to be judged by.`;
  if (out.length === 0) {
    return `${first} Without it the text costs ${withSign(cost)} nats per token; with all heads it costs ${showNumber(loss)}.`;
  }
  const [best] = next.best;
  const word = pieceName({ id: best.id, text: vocabulary[best.id] });
  return `${first} Without ${out.length} silenced, the text costs ${showNumber(lossAfter)} nats per token instead of ${showNumber(loss)}, and ${word} goes from ${showShare(best.was)} to ${showShare(best.is)}.`;
}

function habitPhrase(habit) {
  return { previous: "the token before", self: "the token itself", first: "the first token",
    repeat: "the token after an earlier twin" }[habit];
}

function headsTable({ heads, config }) {
  const cell = (found) => (found === null ? "\u2013" : `${showShare(found.share)} (even ${showShare(found.even)})`);
  return {
    caption: "Every head: its habits, beside even reading, and the cost in nats per token without it",
    columns: ["head", ...Object.values(HABITS), "cost without"],
    rows: heads.slice(0, config.n_layer * config.n_head).map(({ name, habits, cost }) =>
      [name, ...Object.keys(HABITS).map((habit) => cell(habits[habit])), cost === null ? "\u2013" : withSignLong(cost)]),
  };
}

function withSignLong(value) {
  return `${value > 0 ? "+" : ""}${showNumber(value, 4)}`;
}
