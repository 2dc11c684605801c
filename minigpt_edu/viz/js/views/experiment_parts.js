/**
 * An experiment on a run, as data: what is changed, what is compared, and the control.
 *
 *     const edits = experimentEdits(choice, tokens);      // for the method "run"
 *     compareNext(before, after, 5);                      // whose chance rose or fell
 *     controlChoice(choice, sizes, seed, 0);              // the same done elsewhere
 *
 * One number proves little: many changes of a model do some harm. The control does the
 * same to a part drawn by a seed.
 */

import { Mulberry32 } from "../core/rng.js";
import { softmaxOf } from "../core/sampling.js";
import { topPlaces, vectorAt } from "./vectors.js";
import { standoutHead } from "./walk_parts.js";

/**
 * `unit` is what is changed: a head's z, a neuron, or the stream leaving a block at
 * one token. `op` is how: "zero", "mean" over the positions, or "patch" from a run over
 * `ids`.
 * @typedef {{unit: "head" | "neuron" | "stream", layer: number, index: number,
 *   op: "zero" | "mean" | "patch", position: number | null,
 *   ids: number[] | null}} Choice
 * @typedef {{layers: number, heads: number, neurons: number, tokens: number}} Sizes
 */

const UNIT_HOOKS = { head: "attn.z", neuron: "mlp.post", stream: "resid_post" };

/**
 * The edits of a choice, for a text of so many tokens.
 * @param {Choice} choice @param {number} tokens @returns {Record<string, any>[]}
 */
export function experimentEdits({ unit, layer, index, op, position, ids }, tokens) {
  const edit = { hook: `blocks.${layer}.${UNIT_HOOKS[unit]}`, op };
  if (unit === "head") edit.head = index;
  if (unit === "neuron") edit.neuron = index;
  if (position !== null) edit.position = position;
  if (op === "patch") edit.ids = ids;
  if (op === "patch" && position === tokens - 1) {
    edit.from = takenFrom(position, tokens, ids.length);
  }
  return [edit];
}

/**
 * The token of the other text that is taken for one of this: that of the same number,
 * but for the ends, which belong together however long the texts are.
 */
export function takenFrom(position, tokens, others) {
  return position === tokens - 1 ? others - 1 : position;
}

/**
 * Both texts, token by token of the same number, and what is put where. `taken` and
 * `put` are null where every token is. @param {any[]} pieces @param {any[]} other
 * @param {number | null} position
 * @returns {{count: number, taken: number | null, put: number | null,
 *   differ: number | null}} differ: the first number at which the texts do, if any
 */
export function alignedTexts(pieces, other, position) {
  const count = Math.max(pieces.length, other.length);
  const numbers = Array.from({ length: count }, (_, i) => i);
  const differ = numbers.find((i) => pieces[i]?.id !== other[i]?.id) ?? null;
  const taken =
    position === null ? null : takenFrom(position, pieces.length, other.length);
  return { count, taken, put: position, differ };
}

/** How many parts of this kind one layer has to choose from. @param {Sizes} sizes */
export function unitCount(unit, { heads, neurons, tokens }) {
  return { head: heads, neuron: neurons, stream: tokens }[unit];
}

/**
 * The same operation on another part of the same kind, anywhere in the model, drawn by
 * the seed: the `turn`-th draw, counted from 0. A head against heads, a neuron against
 * neurons, the stream at a token against the stream at another layer or token.
 * @param {Choice} choice @param {Sizes} sizes @returns {Choice}
 */
export function controlChoice(choice, sizes, seed, turn) {
  const { unit, layer } = choice;
  const count = unitCount(unit, sizes);
  const all = sizes.layers * count;
  if (all < 2) throw new Error(`there is no other ${unit} to compare with`);
  const mine = layer * count + (unit === "stream" ? choice.position : choice.index);
  const random = new Mulberry32(seed);
  for (let skipped = 0; skipped < turn; skipped++) random.uniform();
  const drawn = Math.floor(random.uniform() * (all - 1));
  const other = drawn < mine ? drawn : drawn + 1; // every other one with equal chance
  const place = other % count;
  const there = unit === "stream" ? { position: place } : { index: place };
  return { ...choice, layer: Math.floor(other / count), ...there };
}

/**
 * The next-token chances of two runs: the best `count` of both, the largest rises and
 * falls of probability, and how far apart the two are in all (half the sum of changes:
 * 0 the same, 1 nothing in common).
 * @param {Float32Array} before logits [V] @param {Float32Array} after
 */
export function compareNext(before, after, count) {
  const was = softmaxOf(before),
    is = softmaxOf(after);
  const change = was.map((p, id) => is[id] - p);
  const row = (id) => ({
    id,
    was: was[id],
    is: is[id],
    change: change[id],
    logit: after[id] - before[id],
  });
  const best = [...new Set([...topPlaces(was, count), ...topPlaces(is, count)])];
  best.sort((a, b) => was[b] - was[a] || a - b);
  const rises = topPlaces(change, count).filter((id) => change[id] > 0);
  const falls = topPlaces(
    change.map((c) => -c),
    count,
  ).filter((id) => change[id] < 0);
  const apart = change.reduce((sum, c) => sum + Math.abs(c), 0) / 2;
  return { best: best.map(row), rises: rises.map(row), falls: falls.map(row), apart };
}

/** The text as its own answer: each token's target is the next; the last has none. */
export function shiftedTargets(ids) {
  return [...ids.slice(1), -1];
}

/** The mean surprise in nats over the tokens that have a next one; null if none has. */
export function meanLoss(loss, tokens) {
  if (tokens < 2) return null;
  let sum = 0;
  for (let t = 0; t < tokens - 1; t++) sum += loss.data[t];
  return sum / (tokens - 1);
}

/**
 * What a change did: to the next token's chances, to the mean surprise of the text, and
 * (`shift`) to the surprise at each token, which its predecessor had to guess.
 * @param {{logits: Float32Array, loss: import("../core/tensor.js").Tensor}} before
 * @param {{logits: Float32Array, loss: import("../core/tensor.js").Tensor}} after
 */
export function compareRuns(before, after) {
  const tokens = before.loss.shape[1];
  const was = meanLoss(before.loss, tokens),
    is = meanLoss(after.loss, tokens);
  const shift = Array.from({ length: tokens }, (_, t) =>
    t === 0 ? null : after.loss.data[t - 1] - before.loss.data[t - 1],
  );
  const rise = was === null ? null : is - was;
  return { next: compareNext(before.logits, after.logits, 6), was, is, rise, shift };
}

/**
 * The part that is changed, with every choice made that the reader left open: the head
 * that does most at the token (standoutHead), the neuron farthest from zero at the last
 * token, the stream in the middle.
 * @param {any} state @param {{ids: number[], from: number[] | null, layers: number,
 *   kept: Record<string, import("../core/tensor.js").Tensor>}} run
 * @returns {Choice}
 */
export function changedPart(state, { ids, from, layers, kept }) {
  const { unit, op, place } = state;
  const end = ids.length - 1;
  const position = place === null ? null : Math.min(end, place);
  const choice = { unit, op, ids: from, position, index: 0, layer: 0 };
  const asked = state.layer === null ? null : Math.min(layers - 1, state.layer);
  if (unit === "stream") {
    return { ...choice, layer: asked ?? layers >> 1, position: position ?? end };
  }
  const first = asked ?? 0,
    count = asked === null ? layers : 1;
  if (unit === "head") {
    const own = standoutHead(kept, count, position ?? end, first);
    return { ...choice, layer: own.layer, index: state.head ?? own.head, own };
  }
  const peaks = Array.from({ length: count }, (_, i) => {
    const post = vectorAt(kept[`blocks.${first + i}.mlp.post`], 0, end);
    const [index] = topPlaces(post, 1, true);
    return { layer: first + i, index, size: Math.abs(post[index]) };
  });
  const { layer, index } = peaks.reduce((a, b) => (b.size > a.size ? b : a));
  return { ...choice, layer, index: state.neuron ?? index };
}
