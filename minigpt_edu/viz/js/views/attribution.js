/**
 * Whose logit is it? The stream is a sum, and the last norm divides the whole sum by
 * one number: so a token's logit is a sum too, one term for every part that wrote.
 *
 *     logit[v] = sum over parts of (part / scale) . (gain * W[v])  +  a constant
 *
 * exactly, for the scale that this text has. A logit has no zero point of its own
 * (softmax ignores what all of them share), so it is best read against another token's.
 *
 *     const reader = logitReader(config, weights, token, rival);
 *     logitParts(arrays, config, reader, position).parts    // they sum to the logit
 *
 * Elhage et al., "A Mathematical Framework for Transformer Circuits" (2021).
 */

import { softmaxOf } from "../core/sampling.js";
import { topPlaces, vectorAt } from "./vectors.js";

/** The parameters that turn a stream into logits. @returns {string[]} */
export function readoutNames(config) {
  const { tie_weights, final_norm, norm_gain, norm, bias, head_bias } = config;
  const names = [tie_weights ? "token_embedding.weight" : "head.weight"];
  if (final_norm && norm_gain) names.push("norm_final.weight");
  const shifted = final_norm && norm_gain && norm === "layer" && bias;
  if (shifted) names.push("norm_final.bias");
  if (head_bias) names.push("head_bias");
  return names;
}

/** What must be kept of a run for its logits to be taken apart. @returns {string[]} */
export function attributionKeep(config) {
  const added = config.position === "learned" || config.position === "sinusoidal";
  return [
    "embed",
    ...(added ? ["pos_embed"] : []),
    "blocks.*.attn.out",
    "blocks.*.mlp.out",
    ...(config.final_norm ? ["norm_final.scale"] : []),
    config.logit_softcap === null ? "logits" : "logits_raw",
  ];
}

/**
 * The direction of the stream that raises a token's logit, or with `rival` its lead
 * over that token, and what is added whatever the stream holds.
 * @returns {{token: number, rival: number | null, direction: Float64Array,
 *   constant: number}}
 */
export function logitReader(config, weights, token, rival = null) {
  if (config.norm_position === "post") {
    throw new Error(
      "this model normalises the stream after every addition, so its logits are no " +
        "sum of what the parts wrote: use a model with norm_position=pre",
    );
  }
  const table = weights[config.tie_weights ? "token_embedding.weight" : "head.weight"];
  const row = Float64Array.from(vectorAt(table, token));
  const other = rival === null ? null : vectorAt(table, rival);
  if (other !== null) row.forEach((value, i) => (row[i] = value - other[i]));
  const gain = weights["norm_final.weight"]?.data;
  const bias = weights["norm_final.bias"]?.data;
  const head = weights["head_bias"]?.data;
  const against = head !== undefined && rival !== null ? head[rival] : 0;
  let constant = head === undefined ? 0 : head[token] - against;
  if (bias !== undefined) row.forEach((value, i) => (constant += value * bias[i]));
  const direction = gain === undefined ? row : row.map((value, i) => value * gain[i]);
  return { token, rival, direction, constant };
}

/**
 * The terms of one logit (or lead) at one token, in the order they are written.
 * `logit` is the model's own, before a final cap; `total` is the sum of the terms.
 * @returns {{parts: {name: string, hook: string, layer: number, kind: string,
 *   value: number}[], constant: number, total: number, logit: number}}
 */
export function logitParts(arrays, config, reader, position) {
  const { direction, constant, token, rival } = reader;
  const scales = config.final_norm ? arrays["norm_final.scale"] : null;
  const scale = scales === null ? 1 : vectorAt(scales, 0, position)[0];
  const centred = config.final_norm && config.norm === "layer";
  const term = (name, hook, layer, kind) => {
    const vector = vectorAt(arrays[hook], 0, position);
    const value = readout(vector, direction, centred) / scale;
    return { name, hook, layer, kind, value };
  };
  const parts = [term("embedding", "embed", -1, "embed")];
  if (arrays["pos_embed"]) parts.push(term("position", "pos_embed", -1, "embed"));
  for (let layer = 0; layer < config.n_layer; layer++) {
    const path = `blocks.${layer}.`;
    parts.push(term(`attention ${layer}`, `${path}attn.out`, layer, "attn"));
    parts.push(term(`MLP ${layer}`, `${path}mlp.out`, layer, "mlp"));
  }
  const total = parts.reduce((sum, part) => sum + part.value, constant);
  const logits = vectorAt(arrays["logits_raw"] ?? arrays["logits"], 0, position);
  const logit = logits[token] - (rival === null ? 0 : logits[rival]);
  return { parts, constant, total, logit };
}

/** What a LayerNorm takes away, the mean, it takes from every part alike. */
function readout(vector, direction, centred) {
  let mean = 0,
    sum = 0;
  if (centred) mean = vector.reduce((a, b) => a + b, 0) / vector.length;
  for (let i = 0; i < vector.length; i++) sum += (vector[i] - mean) * direction[i];
  return sum;
}

/**
 * The lens as a grid: at every depth and token the best guess and its probability.
 * @param {import("../core/tensor.js").Tensor} lens [n, T, V]
 * @returns {{id: number, p: number}[][]} by depth, then by token
 */
export function lensGrid(lens) {
  const [depths, tokens] = lens.shape;
  return Array.from({ length: depths }, (_, depth) =>
    Array.from({ length: tokens }, (__, position) => {
      const logits = vectorAt(lens, depth, position);
      let id = 0;
      for (let v = 1; v < logits.length; v++) if (logits[v] > logits[id]) id = v;
      let total = 0;
      for (const logit of logits) total += Math.exp(logit - logits[id]);
      return { id, p: 1 / total };
    }),
  );
}

/** The likeliest tokens of one cell. @returns {{id: number, p: number}[]} */
export function lensTop(lens, depth, position, count) {
  const probs = softmaxOf(vectorAt(lens, depth, position));
  return topPlaces(probs, count).map((id) => ({ id, p: probs[id] }));
}

/** A token's probability at every depth, at one position. @returns {number[]} */
export function lensPath(lens, position, token) {
  return Array.from(
    { length: lens.shape[0] },
    (_, depth) => softmaxOf(vectorAt(lens, depth, position))[token],
  );
}
