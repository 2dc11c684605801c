/**
 * The seven stages of a prediction as numbers: from what a run kept to what is drawn.
 *
 *     const kept = await call("run", { ids, keep: walkKeep(config) });
 *     streamLengths(kept.arrays, config.n_layer, position);
 *     softmaxSum(lastLogits, 5);            // the division, written out
 *
 * Shapes: T tokens, C n_embd, H heads, F neurons, V vocab_size; the batch is 1.
 */

import { Mulberry32, drawId } from "../core/rng.js";
import { ranked, softmaxOf } from "../core/sampling.js";
import { showNumber } from "../ui/format.js";
import { topPlaces, vectorAt, vectorLength } from "./vectors.js";

/** What a walk needs to keep of a run. @returns {string[]} */
export function walkKeep(config) {
  const each = [
    "resid_mid",
    "resid_post",
    "attn.pattern",
    "attn.out",
    "mlp.post",
    "mlp.out",
    config.attn_output ? "attn.head_out" : "attn.z",
  ];
  return ["embed", "blocks.0.resid_pre", ...each.map((name) => `blocks.*.${name}`)];
}

/**
 * The stream's length at one token after every addition, the embedding first.
 * @returns {{layer: number, part: "embedding" | "attention" | "MLP", hook: string,
 *   length: number}[]}
 */
export function streamLengths(arrays, layers, position) {
  const at = (part, layer, hook) => {
    const length = vectorLength(vectorAt(arrays[hook], 0, position));
    return { layer, part, hook, length };
  };
  const steps = [at("embedding", -1, "blocks.0.resid_pre")];
  for (let layer = 0; layer < layers; layer++) {
    steps.push(at("attention", layer, `blocks.${layer}.resid_mid`));
    steps.push(at("MLP", layer, `blocks.${layer}.resid_post`));
  }
  return steps;
}

/**
 * What each head of a layer adds to the stream at one token: the length of its vector.
 * Without an output matrix a head's z is what it writes, so its length is the same.
 * @returns {number[]}
 */
export function headLengths(arrays, layer, position) {
  const path = `blocks.${layer}.attn.`;
  const written = arrays[`${path}head_out`] ?? arrays[`${path}z`];
  return Array.from({ length: written.shape[1] }, (_, head) =>
    vectorLength(vectorAt(written, 0, head, position)),
  );
}

/**
 * How far a row of reading is from an even one: half the sum of the differences, 0 for
 * even reading, nearly 1 for one token out of many. @param {ArrayLike<number>} row
 */
export function unevenness(row) {
  let sum = 0;
  for (let i = 0; i < row.length; i++) sum += Math.abs(row[i] - 1 / row.length);
  return sum / 2;
}

/**
 * The head that does most at one token, of all layers: the length of what it adds as a
 * share of the stream's (`added`), times how far its reading is from even (`uneven`).
 * The first token has one way to read, so there only the addition counts. Of equal ones
 * the first. Only so many `layers` are looked at, from `first` on.
 * @returns {{layer: number, head: number, score: number, added: number,
 *   uneven: number}}
 */
export function standoutHead(arrays, layers, position, first = 0) {
  let best = { layer: first, head: 0, score: -1, added: 0, uneven: 0 };
  for (let layer = first; layer < first + layers; layer++) {
    const middle = arrays[`blocks.${layer}.resid_mid`];
    const stream = vectorLength(vectorAt(middle, 0, position));
    headLengths(arrays, layer, position).forEach((length, head) => {
      const added = stream > 0 ? length / stream : 0;
      const uneven = unevenness(patternRow(arrays, layer, head, position));
      const score = position === 0 ? added : added * uneven;
      if (score > best.score) best = { layer, head, score, added, uneven };
    });
  }
  return best;
}

/** Why the figure chose this head, in words. */
export function standoutWords({ score, added, uneven }, of, position) {
  const length = `it adds ${showNumber(added)} of the length of the stream`;
  if (position === 0) {
    return `The figure chose the head: of ${of}, ${length}, the most.`;
  }
  return (
    `The figure chose the head: ${length}, and its reading is ${showNumber(uneven)} ` +
    `from even; the product, ${showNumber(score, 3)}, is the largest of ${of}.`
  );
}

/** One head's row of the pattern at a token: its shares up to there, which sum to 1. */
export function patternRow(arrays, layer, head, position) {
  const row = vectorAt(arrays[`blocks.${layer}.attn.pattern`], 0, head, position);
  return row.slice(0, position + 1);
}

/**
 * The neurons farthest from zero at one token, and how many there are.
 * @returns {{neurons: {neuron: number, value: number}[], count: number, half: number}}
 *   `half`: how many of the strongest hold half of all squares
 */
export function strongestNeurons(arrays, layer, position, count) {
  const post = vectorAt(arrays[`blocks.${layer}.mlp.post`], 0, position);
  const order = topPlaces(post, post.length, true);
  const neurons = order.slice(0, count).map((n) => ({ neuron: n, value: post[n] }));
  const whole = vectorLength(post) ** 2;
  let squares = 0,
    half = 0;
  for (; half < order.length && squares < whole / 2; half++) {
    squares += post[order[half]] ** 2;
  }
  return { neurons, count: post.length, half };
}

/** The highest, the lowest and the mean of the logits, and the order of the tokens. */
export function logitRange(logits) {
  const order = ranked(logits);
  const mean = logits.reduce((sum, logit) => sum + logit, 0) / logits.length;
  const lowest = logits[order[order.length - 1]];
  return { order, highest: logits[order[0]], lowest, mean };
}

/**
 * Softmax with its sum: e^(logit - highest) for each token, divided by their sum.
 * @returns {{rows: {id: number, logit: number, power: number, p: number}[],
 *   rest: number, total: number, others: number}} `rest`: the powers of the others
 */
export function softmaxSum(logits, count) {
  const { order, highest } = logitRange(logits);
  let total = 0;
  for (const logit of logits) total += Math.exp(logit - highest);
  const rows = Array.from(order.subarray(0, count), (id) => {
    const power = Math.exp(logits[id] - highest);
    return { id, logit: logits[id], power, p: power / total };
  });
  const rest = total - rows.reduce((sum, row) => sum + row.power, 0);
  return { rows, rest, total, others: logits.length - rows.length };
}

/**
 * Where the pin of a draw falls: all tokens side by side, each as long as its
 * probability. The same numbers as the sampler's `turn`-th draw, counted from 0.
 * @returns {{u: number, id: number, from: number, to: number}}
 */
export function drawnPin(logits, seed, turn) {
  const probs = softmaxOf(logits);
  const random = new Mulberry32(seed);
  for (let skipped = 0; skipped < turn; skipped++) random.uniform();
  const u = random.uniform();
  const id = drawId(probs, u);
  let from = 0;
  for (let other = 0; other < id; other++) from += probs[other];
  return { u, id, from, to: from + probs[id] };
}

/** How many tokens were appended to the present text. */
export function appendedCount({ text, grown }) {
  return grown?.text === text ? grown.count : 0;
}

/** The changes of the walk's state that append one more token. */
export function oneMoreToken(state) {
  return {
    grown: { text: state.text, count: appendedCount(state) + 1 },
    position: null,
  };
}

/**
 * The line of all chances, in the order of the token numbers, as a draw sees it: pieces
 * of at least `least` stand alone, runs of smaller ones are put together.
 * @returns {{id: number | null, from: number, to: number}[]} null: many small ones
 */
export function chancePieces(logits, least) {
  const pieces = [];
  let at = 0;
  softmaxOf(logits).forEach((p, id) => {
    const before = pieces.at(-1);
    if (p >= least) pieces.push({ id, from: at, to: at + p });
    else if (before !== undefined && before.id === null) before.to = at + p;
    else pieces.push({ id: null, from: at, to: at + p });
    at += p;
  });
  return pieces;
}
