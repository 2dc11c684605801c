/**
 * Causal self-attention: each token asks, is found and answers, looking only back.
 *
 * Shapes: T new tokens, S tokens seen (cached + new), C n_embd, H query heads,
 *         K key/value heads, D head_size.
 *
 * Sources: attention arXiv:1706.03762; grouped queries arXiv:2305.13245; soft-capped
 * scores arXiv:2408.00118; normalised queries and keys arXiv:2302.05442.
 */

import { addBias, addInto, matVec, softcapInPlace, softmaxInPlace } from "./ops.js";
import { takeHeadNorm } from "./norms.js";
import { takeLinear } from "./weights.js";

const LOOKING = ["scores_raw", "scores", "pattern"];

/** softmax(q k^T / sqrt(D)) v over the past, in H heads. */
export class Attention {
  /**
   * @param {import("./config.js").GPTConfig} config
   * @param {{take: (name: string, shape: number[]) => Float32Array}} table
   * @param {number} layer
   * @param {import("./positions.js").Rotary | null} rotary
   */
  constructor(config, table, layer, rotary) {
    const { n_embd, n_head, kv_heads, head_size, has_attn_bias } = config;
    const path = `blocks.${layer}.attn.`;
    const read = (name, heads) =>
      takeLinear(table, path + name, heads * head_size, n_embd, has_attn_bias);
    this.path = path;
    this.layer = layer;
    this.heads = n_head;
    this.kvHeads = kv_heads;
    this.size = head_size;
    this.softcap = config.attn_softcap;
    this.rotary = rotary;
    this.query = read("query", n_head);
    this.key = read("key", kv_heads);
    this.value = read("value", kv_heads);
    this.out = config.attn_output
      ? takeLinear(table, `${path}out`, n_embd, n_head * head_size, has_attn_bias)
      : null;
    this.normQ = config.qk_norm ? takeHeadNorm(config, table, `${path}norm_q.`) : null;
    this.normK = config.qk_norm ? takeHeadNorm(config, table, `${path}norm_k.`) : null;
  }

  /**
   * x [T, C] -> what attention adds to the stream, [T, C].
   * @param {Float32Array} x @param {import("./pass.js").Pass} pass
   * @returns {Float32Array}
   */
  apply(x, pass) {
    const { path, heads, kvHeads, size } = this;
    const { tokens, start } = pass;
    const q = pass.take("q", tokens * heads * size); // [T, H, D]
    const k = pass.take("k", tokens * kvHeads * size); // [T, K, D]
    const v = pass.take("v", tokens * kvHeads * size);
    this.query.apply(x, q, tokens);
    pass.show(path, "q", q, heads, size);
    this.key.apply(x, k, tokens);
    pass.show(path, "k", k, kvHeads, size);
    this.value.apply(x, v, tokens);
    pass.show(path, "v", v, kvHeads, size);
    if (this.normQ !== null) {
      this.normQ.apply(q, q, tokens, pass, heads);
      this.normK.apply(k, k, tokens, pass, kvHeads);
    }
    if (this.rotary !== null) {
      this.rotary.rotate(q, tokens, heads, start);
      pass.show(path, "q_rot", q, heads, size);
      this.rotary.rotate(k, tokens, kvHeads, start);
      pass.show(path, "k_rot", k, kvHeads, size);
    }
    pass.cache.write(this.layer, k, v, tokens, start);
    const z = this.#attend(q, pass); // [T, H, D]
    pass.show(path, "z", z, heads, size);
    return this.#join(z, pass);
  }

  /** Scores, mask, softmax, and the average of the values. */
  #attend(q, pass) {
    const { path, heads, softcap } = this;
    const { tokens, seen } = pass;
    // Who looks sees the scores of the future too: the mask is a step of its own.
    const everything = pass.wants(path, LOOKING);
    const scores = pass.take("scores", heads * tokens * seen); // [H, T, S]
    this.#score(q, scores, pass, everything);
    if (softcap !== null) {
      pass.showAs(path, "scores_raw", scores, [heads, tokens, seen]);
      softcapInPlace(scores, softcap, heads * tokens * seen);
    }
    pass.showAs(path, "scores", scores, [heads, tokens, seen]);
    this.#mask(scores, pass, everything);
    pass.showAs(path, "pattern", scores, [heads, tokens, seen]);
    return this.#average(scores, pass, everything);
  }

  #score(q, scores, pass, everything) {
    const { heads, kvHeads, size, layer } = this;
    const { tokens, start, seen, cache } = pass;
    const keys = cache.k[layer], root = Math.sqrt(size);
    for (let h = 0; h < heads; h++) {
      const from = Math.floor((h * kvHeads) / heads) * cache.slots * size;
      for (let t = 0; t < tokens; t++) {
        const reach = everything ? seen : start + t + 1;
        const to = (h * tokens + t) * seen;
        matVec(keys, from, size, reach, size, q, (t * heads + h) * size, scores, to);
        for (let s = to; s < to + reach; s++) scores[s] /= root;
      }
    }
  }

  /** Scores become a pattern: softmax over what may be seen, nothing beyond. */
  #mask(scores, pass, everything) {
    const { tokens, start, seen } = pass;
    for (let h = 0; h < this.heads; h++) {
      for (let t = 0; t < tokens; t++) {
        const at = (h * tokens + t) * seen, visible = start + t + 1;
        softmaxInPlace(scores, at, visible);
        if (everything) scores.fill(0, at + visible, at + seen);
      }
    }
  }

  #average(pattern, pass, everything) {
    const { heads, kvHeads, size, layer } = this;
    const { tokens, start, seen, cache } = pass;
    const { slots } = cache;
    const values = cache.v[layer];
    const z = pass.take("z", tokens * heads * size); // [T, H, D]
    for (let h = 0; h < heads; h++) {
      const from = Math.floor((h * kvHeads) / heads) * size * slots;
      for (let t = 0; t < tokens; t++) {
        const reach = everything ? seen : start + t + 1;
        const at = (h * tokens + t) * seen, to = (t * heads + h) * size;
        matVec(values, from, slots, size, reach, pattern, at, z, to);
      }
    }
    return z;
  }

  /** The heads side by side, then mixed. */
  #join(z, pass) {
    const { path, out } = this;
    const { tokens } = pass;
    if (out === null) {
      pass.show(path, "out", z, 0, this.heads * this.size);
      return z;
    }
    const joined = pass.take("attn_out", tokens * out.outputs); // [T, C]
    if (pass.wants(path, ["head_out"])) this.#writeByHead(z, joined, pass);
    else out.apply(z, joined, tokens);
    pass.show(path, "out", joined, 0, out.outputs);
    return joined;
  }

  /** The same sum head by head: what each writes, [T, H, C], then all together. */
  #writeByHead(z, joined, pass) {
    const { heads, size, out } = this;
    const { tokens } = pass;
    const { weight, bias, inputs, outputs } = out;
    const written = pass.take("head_out", tokens * heads * outputs);
    for (let row = 0; row < tokens * heads; row++) {
      const from = (row % heads) * size, to = row * outputs;
      matVec(weight, from, inputs, outputs, size, z, row * size, written, to);
    }
    pass.show(this.path, "head_out", written, heads, outputs);
    joined.fill(0, 0, tokens * outputs);
    for (let t = 0; t < tokens; t++) {
      const row = joined.subarray(t * outputs, (t + 1) * outputs);
      for (let h = 0; h < heads; h++) {
        const at = (t * heads + h) * outputs;
        addInto(row, row, written.subarray(at, at + outputs), outputs);
      }
    }
    if (bias !== null) addBias(joined, bias, tokens);
  }
}
