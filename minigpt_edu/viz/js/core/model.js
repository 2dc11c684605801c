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

import { Block } from "./block.js";
import { hookNames } from "./hook_names.js";
import { KVCache } from "./kv_cache.js";
import { ActivationCache, Listener } from "./listener.js";
import { takeNorm } from "./norms.js";
import { Linear, addInto, logSumExp, softcapInPlace } from "./ops.js";
import { Pass, Workspace } from "./pass.js";
import { Rotary, sinusoidalTable } from "./positions.js";
import { makeTensor } from "./tensor.js";

const CHUNK = 64; // tokens read at once: their numbers stay near the processor

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
    const tied = config.tie_weights;
    const weight = tied ? this.embedding : table.take("head.weight", [V, C]);
    const bias = config.head_bias ? table.take("head_bias", [V]) : null;
    this.head = new Linear(weight, bias, V, C);
    table.finish();
    this.numParams = table.count;
  }

  /** Everything there is to look at, in the order of computation. */
  hookNames() {
    return hookNames(this.config);
  }

  /**
   * Throws when `feed` could not read these ids into this cache.
   * @param {ArrayLike<number>} ids @param {KVCache} cache
   */
  checkReadable(ids, cache) {
    checkIds(ids, this.config.vocab_size, cache.slots);
    if (cache.config !== this.config) {
      throw new Error(
        "this cache was made for another model: use new KVCache(model.config)",
      );
    }
  }

  /**
   * Reads `ids` and returns the logits [V] after the last one. Tokens that the cache
   * already holds are not read again; those it holds beyond them are forgotten. The
   * logits belong to the cache: copy them before its next use.
   * @param {ArrayLike<number>} ids @param {KVCache} cache @returns {Float32Array}
   */
  feed(ids, cache) {
    this.checkReadable(ids, cache);
    cache.truncate(Math.min(cache.shared(ids), ids.length - 1));
    const { n_embd } = this.config;
    const last = cache.work.take("last", n_embd);
    while (cache.length < ids.length) {
      const start = cache.length;
      const fresh = Array.prototype.slice.call(ids, start, start + CHUNK);
      const tokens = fresh.length;
      const x = this.#read(fresh, new Pass(cache.work, { tokens, start, cache }));
      for (let i = 0; i < n_embd; i++) last[i] = x[(tokens - 1) * n_embd + i];
      cache.ids.push(...fresh);
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
    const logits = this.readOn(ids, cache, listener);
    if (targets !== null) {
      const loss = surprises(logits, targets, vocab_size);
      if (listener.wants("loss")) listener.hear("loss", makeTensor(loss, [1, tokens]));
    }
    const shape = [1, tokens, vocab_size];
    return {
      logits: makeTensor(logits.slice(0, tokens * vocab_size), shape),
      cache: new ActivationCache(listener.values),
    };
  }

  /**
   * Reads these ids behind those of the cache, all at once and before a listener: their
   * logits [T, V], which belong to the cache.
   * @param {ArrayLike<number>} ids @param {KVCache} cache @param {Listener} listener
   * @returns {Float32Array}
   */
  readOn(ids, cache, listener) {
    const tokens = ids.length, start = cache.length;
    const pass = new Pass(cache.work, { tokens, start, cache, listener });
    const logits = this.#write(this.#read(ids, pass), pass);
    cache.ids.push(...Array.from(ids));
    return logits;
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
    const axes = [...shape.slice(0, -1), vocab_size];
    return makeTensor(logits.slice(0, tokens * vocab_size), axes);
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

/** Refuses what the model cannot read. */
function checkIds(ids, vocabulary, room) {
  if (ids.length === 0) {
    throw new Error("no tokens: give at least one id to read");
  }
  if (ids.length > room) {
    throw new Error(
      `${ids.length} tokens do not fit in the ${room} that the model can read here: ` +
        `shorten the text, or keep its last ${room} tokens`,
    );
  }
  for (let t = 0; t < ids.length; t++) {
    if (!(Number.isInteger(ids[t]) && ids[t] >= 0 && ids[t] < vocabulary)) {
      throw new Error(
        `id ${ids[t]} is not in the model's vocabulary of ${vocabulary}: did another ` +
          "tokenizer make the ids?",
      );
    }
  }
}

function checkTargets(targets, tokens, vocabulary) {
  if (targets.length !== tokens) {
    throw new Error(`${targets.length} targets for ${tokens} tokens: one for each`);
  }
  for (let t = 0; t < tokens; t++) {
    const known = targets[t] === -1 || (targets[t] >= 0 && targets[t] < vocabulary);
    if (!(Number.isInteger(targets[t]) && known)) {
      throw new Error(
        `target ${targets[t]} must be an id below ${vocabulary}, or -1 for none`,
      );
    }
  }
}

/** Minus the log-probability of each target, in nats; 0 where there is none. */
function surprises(logits, targets, vocabulary) {
  const loss = new Float32Array(targets.length);
  for (let t = 0; t < targets.length; t++) {
    const at = t * vocabulary;
    if (targets[t] < 0) continue;
    loss[t] = logSumExp(logits, at, vocabulary) - logits[at + targets[t]];
  }
  return loss;
}
