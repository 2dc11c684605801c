/**
 * One head in numbers: from what a run kept to what its figures say.
 *
 *     const head = headNumbers(arrays, config, layer, h);
 *     scoreParts(head, row, column);       // {dot, root, score}
 *     pickedHead(patterns);                // which head to show, when nobody says
 *
 * Shapes: T tokens, D head_size; matrices are [T, T] row by row, query before key.
 */

import { vectorAt } from "./vectors.js";

/** What the figures of one head keep of a run. @returns {string[]} */
export function headKeep(config) {
  const turned = config.position === "rope" ? ["q_rot", "k_rot"] : normedNames(config);
  const names = [...turned, "v", "scores", "pattern", "z"];
  return names.map((name) => `blocks.*.attn.${name}`);
}

function normedNames(config) {
  return config.qk_norm ? ["norm_q.out", "norm_k.out"] : ["q", "k"];
}

/**
 * The head's own part of everything kept. With grouped queries several heads share one
 * head of keys and values.
 */
export function headNumbers(arrays, config, layer, head) {
  const at = String(layer);
  const [queries, keys] = headKeep(config).map((name) => name.replace("*", at));
  const path = `blocks.${layer}.attn.`;
  const keyHeads = config.n_kv_head ?? config.n_head;
  const shared = Math.floor((head * keyHeads) / config.n_head);
  const { shape } = arrays[`${path}z`];
  const [tokens, size] = shape.slice(-2);
  return {
    tokens,
    size,
    q: rowsOf(arrays[queries], head),
    k: rowsOf(arrays[keys], shared),
    v: rowsOf(arrays[`${path}v`], shared),
    z: rowsOf(arrays[`${path}z`], head),
    scores: squareOf(arrays[`${path}scores`], head),
    pattern: squareOf(arrays[`${path}pattern`], head),
  };
}

/** @returns {Float32Array[]} one vector per token */
function rowsOf(tensor, head) {
  const tokens = tensor.shape.at(-2);
  return Array.from({ length: tokens }, (_, t) => vectorAt(tensor, 0, head, t));
}

/** @returns {Float32Array} [T, T] */
function squareOf({ data, shape }, head) {
  const size = shape.at(-1) * shape.at(-2);
  return data.subarray(head * size, (head + 1) * size);
}

/** The product of two vectors, number by number. @returns {number[]} */
export function products(a, b) {
  return Array.from(a, (value, i) => value * b[i]);
}

/** How a score comes about: the dot product over the root of the head's size. */
export function scoreParts({ q, k, size, scores, tokens }, row, column) {
  const dot = products(q[row], k[column]).reduce((sum, part) => sum + part, 0);
  const root = Math.sqrt(size);
  return { dot, root, plain: dot / root, score: scores[row * tokens + column] };
}

/** How a share comes about: one exponential over the sum of those that may be seen. */
export function shareParts({ scores, pattern, tokens }, row, column) {
  let sum = 0;
  for (let s = 0; s <= row; s++) sum += Math.exp(scores[row * tokens + s]);
  const own = column <= row ? Math.exp(scores[row * tokens + column]) : 0;
  return { own, sum, share: pattern[row * tokens + column] };
}

/** One row of a [T, T] matrix. */
export function rowOf(square, tokens, row) {
  return square.subarray(row * tokens, (row + 1) * tokens);
}

/**
 * How much a head reads single earlier tokens: the largest share that a token gives to
 * one that is neither itself nor the first, averaged over those that have a choice.
 * @param {ArrayLike<number>} pattern [T, T] @param {number} tokens @returns {number}
 */
export function focusOf(pattern, tokens) {
  let total = 0;
  for (let row = 2; row < tokens; row++) {
    let most = 0;
    for (let s = 1; s < row; s++) most = Math.max(most, pattern[row * tokens + s]);
    total += most;
  }
  return tokens > 2 ? total / (tokens - 2) : 0;
}

/**
 * The layer and head with the largest focus, among those that were not asked for.
 * @param {Record<string, any>} arrays @param {any} config
 * @param {number | null} layer @param {number | null} head
 */
export function pickedHead(arrays, config, layer, head) {
  let best = { layer: layer ?? 0, head: head ?? 0, focus: -1 };
  for (let l = layer ?? 0; l <= (layer ?? config.n_layer - 1); l++) {
    const tensor = arrays[`blocks.${l}.attn.pattern`];
    for (let h = head ?? 0; h <= (head ?? config.n_head - 1); h++) {
      const focus = focusOf(squareOf(tensor, h), tensor.shape.at(-1));
      if (focus > best.focus) best = { layer: l, head: h, focus };
    }
  }
  return best;
}

/** The token that a row reads most: the earliest of equal ones. */
export function mostRead(pattern, tokens, row) {
  let best = 0;
  for (let s = 1; s <= row; s++) {
    if (pattern[row * tokens + s] > pattern[row * tokens + best]) best = s;
  }
  return best;
}

/** The columns of a row by share, largest first. @returns {number[]} */
export function byShare(pattern, tokens, row) {
  const columns = Array.from({ length: row + 1 }, (_, s) => s);
  const share = (s) => pattern[row * tokens + s];
  return columns.sort((a, b) => share(b) - share(a) || a - b);
}
