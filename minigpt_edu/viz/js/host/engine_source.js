/**
 * A figure's questions, answered by the page's own engine: the twin of viz/source.py.
 *
 *     const source = new EngineSource("reader", loadCheckpoint(bytes));
 *     const { values, arrays } = await source.answer("encode", { text: "The boat" });
 *
 * Every method has the arguments and the result of its namesake in Python, where torch
 * computes. Each figure has a source of its own, so that each reads on where it was;
 * the model behind them is one.
 */

import { CONFIG_DEFAULTS } from "../core/config_table.js";
import { editsOf } from "../core/edits.js";
import { stream } from "../core/generate.js";
import { KVCache } from "../core/kv_cache.js";
import { Reader } from "../core/reader.js";
import { Sampler } from "../core/sampling.js";
import { didYouMean, refuseUnknown } from "../core/spelling.js";
import { makeTensor } from "../core/tensor.js";

/** @typedef {{values: Record<string, any>,
 *   arrays: Record<string, import("../core/tensor.js").Tensor>}} SourceAnswer */

/** What may be asked: the arguments of each method, those it needs first. */
export const SOURCE_METHODS = {
  about: { needs: [], may: [] },
  encode: { needs: ["text"], may: [] },
  run: { needs: ["ids"], may: ["keep", "edits", "targets"] },
  lens: { needs: ["ids"], may: ["edits"] },
  weights: { needs: ["names"], may: [] },
  generate: { needs: ["ids", "n"], may: ["sampler"] },
};

const CANDIDATES_TOLD = 10; // of the tokens that might have been generated
const SAMPLER_KNOBS = [
  "temperature", "top_k", "top_p", "min_p", "repetition_penalty", "seed",
];
const TOKENS_A_BREATH = 4; // computed before the page may draw again

/** A checkpoint, ready to be asked. */
export class EngineSource {
  /**
   * @param {string} name what figures call the model
   * @param {ReturnType<typeof import("../core/checkpoint.js").loadCheckpoint>} loaded
   */
  constructor(name, loaded) {
    if (loaded.tokenizer === null) {
      throw new Error(`the checkpoint ${name} has no tokenizer: figures need one`);
    }
    this.name = name;
    this.loaded = loaded;
    this.tokenizer = loaded.tokenizer;
    this.model = loaded.model;
    this.reader = new Reader(loaded.model);
    this.written = new KVCache(loaded.model.config); // of the last continuation
  }

  /**
   * What the method says; rejects for one there is not, or wrong arguments.
   * @param {string} method @param {Record<string, any>} [args]
   * @returns {Promise<SourceAnswer>}
   */
  async answer(method, args = {}) {
    if (!Object.hasOwn(SOURCE_METHODS, method)) {
      const near = didYouMean(String(method), Object.keys(SOURCE_METHODS));
      throw new Error(`nobody answers "${method}": ${near}`);
    }
    const { needs, may } = SOURCE_METHODS[method];
    refuseUnknown(method, Object.keys(args), [...needs, ...may]);
    for (const name of needs) {
      if (args[name] === undefined) throw new Error(`${method} needs ${name}`);
    }
    const { values = {}, arrays = {} } = await this[method](args);
    return { values, arrays };
  }

  /** What the checkpoint says of itself, and the text of every token. */
  about() {
    const { model, tokenizer, loaded } = this;
    const fields = ["vocab_size", ...Object.keys(CONFIG_DEFAULTS)];
    const { step = null, val_bits_per_byte = null } = loaded.info.meta;
    const config = Object.fromEntries(fields.map((name) => [name, model.config[name]]));
    const names = new Map([...tokenizer.special].map(([name, id]) => [id, name]));
    const textOf = (_, id) => names.get(id) ?? textOfBytes(tokenizer.tokenBytes(id));
    const vocabulary = Array.from({ length: tokenizer.vocabSize }, textOf);
    const params = model.numParams;
    return {
      values: { name: this.name, config, params, step, val_bits_per_byte, vocabulary },
    };
  }

  /** The tokens of a text, each with its piece of it. */
  encode({ text }) {
    if (typeof text !== "string") throw new Error("encode takes a text");
    const ids = this.tokenizer.encode(text);
    const special = [...this.tokenizer.special.values()];
    const pieces = ids.map((id) => {
      const bytes = this.tokenizer.tokenBytes(id);
      const piece = { id, text: textOfBytes(bytes), bytes: [...bytes] };
      return { ...piece, special: special.includes(id) };
    });
    return { values: { ids, pieces } };
  }

  /** One forward pass: all that matches `keep`, after `edits`, and the logits. */
  run({ ids, keep = [], edits = [], targets = null }) {
    const changes = editsOf(this.model, edits ?? []);
    const { cache, logits } = this.reader.run(ids, { keep, edits: changes, targets });
    const { logits: _, ...kept } = Object.fromEntries(cache.values);
    return { values: { ids }, arrays: { ...kept, logits } };
  }

  /** The logits that every layer's stream would give, and the model's own. */
  lens({ ids, edits = [] }) {
    const { n_layer, vocab_size } = this.model.config;
    const last = n_layer - 1;
    const names = Array.from({ length: n_layer }, (_, i) => `blocks.${i}.resid_pre`);
    names.push(`blocks.${last}.resid_post`);
    const changes = editsOf(this.model, edits ?? []);
    const { cache, logits } = this.reader.run(ids, { keep: names, edits: changes });
    const size = ids.length * vocab_size;
    const read = new Float32Array(names.length * size);
    names.forEach((name, i) => {
      read.set(this.model.unembed(cache.get(name)).data, i * size);
    });
    const lens = makeTensor(read, [names.length, ids.length, vocab_size]);
    return { values: { ids }, arrays: { lens, logits } };
  }

  /** Parameters by name, as in the checkpoint. */
  weights({ names }) {
    const { weights } = this.loaded;
    const found = names.map((name) => {
      if (weights.has(name)) return [name, weights.get(name)];
      const near = didYouMean(name, weights.keys());
      throw new Error(`the model has no weights "${name}": ${near}`);
    });
    return { arrays: Object.fromEntries(found) };
  }

  /** `n` tokens after `ids`; greedy unless the knobs of a sampler are given. */
  async generate({ ids, n, sampler = null }) {
    const knobs = sampler ?? { temperature: 0 };
    refuseUnknown("sampler", Object.keys(knobs), SAMPLER_KNOBS);
    const told = Math.min(CANDIDATES_TOLD, this.model.config.vocab_size);
    const cache = this.written; // two at once would only read more, not otherwise
    const options = { maxNew: n, sampler: Sampler.of(knobs), candidates: told, cache };
    const steps = [];
    for (const { id, logprob, candidates } of stream(this.model, ids, options)) {
      steps.push({ id, logprob, candidates });
      if (steps.length % TOKENS_A_BREATH === 0) await breathe();
    }
    return { values: { ids: steps.map((step) => step.id), steps } };
  }
}

/** Lets the page draw and hear its reader. @returns {Promise<void>} */
export function breathe() {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Text of a token's bytes; of half a character the bytes, as `<c3>`. */
export function textOfBytes(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const hex = (byte) => `<${byte.toString(16).padStart(2, "0")}>`;
    return Array.from(bytes, hex).join("");
  }
}
