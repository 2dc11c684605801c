/**
 * GPT, the whole model: token ids in, a score for every next token out.
 *
 * The same parts in the same order as minigpt_edu/model/gpt.py, with the same hooks.
 * `feed` is for reading and writing on: it returns the last token's logits and costs
 * one step per new token. `run` is for looking: all tokens at once, every value by
 * name, and edits on the way.
 *
 *     const logits = model.feed(ids, cache);
 *     const { logits, cache } = model.run(ids, { keep: "blocks.*.resid_post" });
 *
 * Shapes: T new tokens, C n_embd, V vocab_size.
 */

import { Attention } from "./attention.js";
import { hookNames } from "./hook_names.js";
import { KVCache } from "./kv_cache.js";
import { ActivationCache, Listener } from "./listener.js";
import { MLP } from "./mlp.js";
import { takeNorm } from "./norms.js";
import { Linear, addBias, addInto, logSumExp, softcapInPlace } from "./ops.js";
import { Pass, Workspace } from "./pass.js";
import { Rotary, sinusoidalTable } from "./positions.js";
import { makeTensor } from "./tensor.js";

const CHUNK = 64; // tokens read at once: their numbers stay near the processor

/** Communicate, then compute; each adds its result to the residual stream. */
class Block {
  constructor(config, table, layer, rotary) {
    this.path = `blocks.${layer}.`;
    this.width = config.n_embd;
    this.post = config.norm_position === "post";
    this.parallel = config.parallel_block;
    this.norm1 = takeNorm(config, table, `${this.path}norm1.`);
    this.attn = new Attention(config, table, layer, rotary);
    this.norm2 = takeNorm(config, table, `${this.path}norm2.`);
    this.mlp = new MLP(config, table, `${this.path}mlp.`);
  }

  /** The stream x [T, C], which it changes. */
  apply(x, pass) {
    const { path, width, norm1, norm2 } = this;
    const size = pass.tokens * width;
    const middle = pass.take("middle", size); // [T, C]
    pass.show(path, "resid_pre", x, 0, width);
    if (this.post) {
      addInto(middle, x, this.attn.apply(x, pass), size);
      norm1.apply(middle, middle, pass.tokens, pass);
      pass.show(path, "resid_mid", middle, 0, width);
      addInto(x, middle, this.mlp.apply(middle, pass), size);
      norm2.apply(x, x, pass.tokens, pass);
    } else {
      const normed = pass.take("normed", size); // [T, C]
      norm1.apply(x, normed, pass.tokens, pass);
      addInto(middle, x, this.attn.apply(normed, pass), size);
      pass.show(path, "resid_mid", middle, 0, width);
      norm2.apply(this.parallel ? x : middle, normed, pass.tokens, pass);
      addInto(x, middle, this.mlp.apply(normed, pass), size);
    }
    pass.show(path, "resid_post", x, 0, width);
  }
}

/** A decoder-only Transformer. */
export class GPT {
  /**
   * @param {import("./config.js").GPTConfig} config
   * @param {{take: (name: string, shape: number[]) => Float32Array, count: number,
   *   finish: () => void}} table its weights by name; throws if they do not fit
   */
  constructor(config, table) {
    const { n_embd: C, vocab_size: V, block_size, position, n_layer } = config;
    this.config = config;
    this.embedding = table.take("token_embedding.weight", [V, C]);
    this.positions = null;
    if (position === "learned") {
      this.positions = table.take("position_embedding.weight", [block_size, C]);
    } else if (position === "sinusoidal") {
      this.positions = sinusoidalTable(block_size, C);
    }
    const rotary = position === "rope" ? new Rotary(config) : null;
    this.blocks = Array.from(
      { length: n_layer },
      (_, layer) => new Block(config, table, layer, rotary),
    );
    this.normFinal = config.final_norm ? takeNorm(config, table, "norm_final.") : null;
    const head = config.tie_weights ? this.embedding : table.take("head.weight", [V, C]);
    const bias = config.head_bias ? table.take("head_bias", [V]) : null;
    this.head = new Linear(head, bias, V, C);
    table.finish();
    this.numParams = table.count;
  }

  /** Everything there is to look at, in the order of computation. */
  hookNames() {
    return hookNames(this.config);
  }

  /**
   * Reads `ids` and returns the logits [V] after the last one. Tokens that the cache
   * already holds are not read again; those it holds beyond them are forgotten. The
   * logits belong to the cache: copy them before its next use.
   * @param {ArrayLike<number>} ids @param {KVCache} cache @returns {Float32Array}
   */
  feed(ids, cache) {
    checkIds(ids, this.config.vocab_size, cache.slots);
    cache.truncate(Math.min(cache.shared(ids), ids.length - 1));
    const { n_embd } = this.config;
    const last = cache.work.take("last", n_embd);
    while (cache.length < ids.length) {
      const start = cache.length;
      const tokens = Math.min(CHUNK, ids.length - start);
      const pass = new Pass(cache.work, { tokens, start, cache });
      const x = this.#read(Array.prototype.slice.call(ids, start, start + tokens), pass);
      for (let i = 0; i < n_embd; i++) last[i] = x[(tokens - 1) * n_embd + i];
      for (let t = start; t < start + tokens; t++) cache.ids.push(ids[t]);
    }
    const one = new Pass(cache.work, { tokens: 1, start: cache.length - 1, cache });
    return this.#write(last, one);
  }

  /**
   * All of `ids` at once: logits [1, T, V], and the values whose names match `keep`.
   * `edits` maps patterns to functions of (value, name) that change a value on its way.
   * With `targets` (-1: none) the hook `loss` is there: each position's surprise.
   * Nothing is remembered from one run to the next.
   * @param {ArrayLike<number>} ids
   * @param {{keep?: string | string[], targets?: ArrayLike<number> | null,
   *   edits?: Record<string, import("./listener.js").Edit>}} [wishes]
   */
  run(ids, { keep = [], edits = {}, targets = null } = {}) {
    const { vocab_size, block_size } = this.config;
    checkIds(ids, vocab_size, block_size);
    const tokens = ids.length;
    if (targets !== null) checkTargets(targets, tokens, vocab_size);
    const listener = new Listener(this.hookNames(), { keep, edits });
    const cache = new KVCache(this.config, tokens);
    const pass = new Pass(new Workspace(), { tokens, start: 0, cache, listener });
    const logits = this.#write(this.#read(ids, pass), pass);
    if (targets !== null) {
      const loss = surprises(logits, targets, vocab_size);
      pass.show("", "loss", loss, 0, 1);
    }
    const shape = [1, tokens, vocab_size];
    return {
      logits: makeTensor(logits.slice(0, tokens * vocab_size), shape),
      cache: new ActivationCache(listener.values),
    };
  }

  /**
   * A stream [..., C] as logits [..., V]. On a middle layer: the logit lens.
   * @param {import("./tensor.js").Tensor} x @returns {import("./tensor.js").Tensor}
   */
  unembed({ data, shape }) {
    const { n_embd, vocab_size } = this.config;
    if (shape.at(-1) !== n_embd) {
      throw new Error(
        `the last axis of [${shape.join(", ")}] must be n_embd=${n_embd}`,
      );
    }
    const tokens = data.length / n_embd;
    const pass = new Pass(new Workspace(), { tokens, start: 0, cache: null });
    const logits = this.#write(data, pass);
    return makeTensor(logits.slice(0, tokens * vocab_size), [
      ...shape.slice(0, -1),
      vocab_size,
    ]);
  }

  /** Token ids -> the residual stream [T, C] after the last block. */
  #read(ids, pass) {
    const { n_embd: C, vocab_size } = this.config;
    const { tokens, start } = pass;
    const { embedding, positions } = this;
    const heard = pass.take("tokens", tokens);
    heard.set(ids);
    pass.showAs("", "tokens", heard, [tokens]);
    if (pass.listener !== null) checkIds(heard.subarray(0, tokens), vocab_size, tokens);
    const x = pass.take("stream", tokens * C);
    for (let t = 0; t < tokens; t++) {
      const row = heard[t] * C;
      for (let i = 0; i < C; i++) x[t * C + i] = embedding[row + i];
    }
    pass.show("", "embed", x, 0, C);
    if (positions !== null) {
      const place = pass.take("place", tokens * C);
      for (let i = 0; i < tokens * C; i++) place[i] = positions[start * C + i];
      pass.show("", "pos_embed", place, 0, C);
      addInto(x, x, place, tokens * C);
    }
    for (const block of this.blocks) block.apply(x, pass);
    return x;
  }

  /** The stream [T, C] -> logits [T, V]. */
  #write(x, pass) {
    const { n_embd, vocab_size, logit_softcap } = this.config;
    const { tokens } = pass;
    let read = x;
    if (this.normFinal !== null) {
      read = pass.take("normed", tokens * n_embd);
      this.normFinal.apply(x, read, tokens, pass);
    }
    const logits = pass.take("logits", tokens * vocab_size);
    this.head.apply(read, logits, tokens);
    if (logit_softcap !== null) {
      pass.show("", "logits_raw", logits, 0, vocab_size);
      softcapInPlace(logits, logit_softcap, tokens * vocab_size);
    }
    pass.show("", "logits", logits, 0, vocab_size);
    return logits;
  }
}
