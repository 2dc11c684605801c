/**
 * Runs that remember the run before: typing one token computes one token.
 *
 *     const reader = new Reader(model);
 *     const { logits, cache, computed } = reader.run(ids, { keep: "*.pattern" });
 *
 * What a token's position holds depends on the tokens before it only. So of a new text
 * only what follows the part it shares with the last one is computed, and the rest is
 * taken from there. The result is that of `model.run`. Only scores look ahead, before
 * the mask: old queries then meet the new keys here.
 *
 * Shapes: T tokens of the text, S of them known before, H heads, D head_size.
 */

import { hookAxes } from "./hook_names.js";
import { KVCache } from "./kv_cache.js";
import { ActivationCache, Listener, selectHooks } from "./listener.js";
import { matVec, softcapInPlace } from "./ops.js";

/** @typedef {import("./tensor.js").Tensor} Tensor */

/** One reader of one model; it remembers one text. */
export class Reader {
  /** @param {import("./model.js").GPT} model */
  constructor(model) {
    this.model = model;
    this.memory = new KVCache(model.config);
    /** @type {Map<string, Tensor>} of the first of `memory.ids`, as far as known */
    this.values = new Map();
  }

  /**
   * As `model.run`, and how many tokens were `computed`. With edits or targets the
   * whole text is: nothing of it is remembered.
   * @param {number[]} ids
   * @param {{keep?: string | string[], targets?: number[] | null,
   *   edits?: Record<string, import("./listener.js").Edit>}} [wishes]
   */
  run(ids, wishes = {}) {
    const { keep = [], edits = {}, targets = null } = wishes;
    const { model, memory } = this;
    if (targets !== null || Object.keys(edits).length > 0) {
      return { ...model.run(ids, wishes), computed: ids.length };
    }
    model.checkReadable(ids, memory);
    const patterns = typeof keep === "string" ? [keep] : keep;
    const names = model.hookNames();
    const found = new Set(patterns.flatMap((pattern) => selectHooks(pattern, names)));
    const kept = names.filter((name) => found.has(name) && name !== "loss");
    const needed = new Set(["logits", ...kept]);
    for (const name of kept) if (isSquare(name)) needed.add(this.#queriesOf(name));
    const computed = this.#learn(ids, [...needed]);
    const value = (name) => firstTokens(this.values.get(name), name, ids.length);
    return {
      logits: value("logits"),
      cache: new ActivationCache(new Map(kept.map((name) => [name, value(name)]))),
      computed,
    };
  }

  /** Computes what is not known of these values; how many tokens that were. */
  #learn(ids, needed) {
    const { model, memory, values } = this;
    const shared = memory.shared(ids);
    const known = (name) => (values.has(name) ? tokensOf(values.get(name), name) : 0);
    const start = Math.min(shared, ...needed.map(known));
    if (start === ids.length) return 0;
    // What later tokens hold belongs to another text, or is made again.
    for (const [name, value] of values) {
      const rest = needed.includes(name) ? start : Math.min(shared, known(name));
      values.set(name, firstTokens(value, name, rest));
    }
    memory.truncate(start);
    const listener = new Listener(model.hookNames(), { keep: needed });
    model.readOn(ids.slice(start), memory, listener);
    for (const [name, fresh] of listener.values) {
      const old = values.get(name);
      values.set(name, start === 0 ? fresh : joinTokens(old, fresh, name));
    }
    for (const name of needed) if (isSquare(name)) this.#lookAhead(name, start);
    return ids.length - start;
  }

  /** The scores of old queries [H, S, D] for new keys; a pattern keeps its zeros. */
  #lookAhead(name, start) {
    if (name.endsWith("pattern")) return;
    const { config } = this.model;
    const { n_head, kv_heads, head_size: size } = config;
    const layer = Number(name.split(".")[1]), root = Math.sqrt(size);
    const { data, shape } = this.values.get(name);
    const queries = this.values.get(this.#queriesOf(name)).data;
    const keys = this.memory.k[layer], tokens = shape[2];
    for (let h = 0; h < n_head; h++) {
      const from = Math.floor((h * kv_heads) / n_head) * this.memory.slots + start;
      for (let t = 0; t < start; t++) {
        const to = (h * tokens + t) * tokens + start, at = (h * tokens + t) * size;
        matVec(keys, from * size, size, tokens - start, size, queries, at, data, to);
        const ahead = data.subarray(to, to + tokens - start);
        for (let s = 0; s < ahead.length; s++) ahead[s] /= root;
        const capped = config.attn_softcap !== null && name.endsWith(".scores");
        if (capped) softcapInPlace(ahead, config.attn_softcap, ahead.length);
      }
    }
  }

  /** The hook of the queries that scores are made of. */
  #queriesOf(name) {
    const { position, qk_norm } = this.model.config;
    const made = position === "rope" ? "q_rot" : qk_norm ? "norm_q.out" : "q";
    return `${name.slice(0, name.lastIndexOf("."))}.${made}`;
  }
}

/** Whether a value has a row and a column for each token. */
function isSquare(name) {
  return hookAxes(name).includes("key");
}

/** The axis of the positions, and of the keys if there is one: those that grow. */
function growing(name) {
  const axes = hookAxes(name);
  return axes.findIndex((axis) => axis === "position" || axis === "query");
}

function tokensOf({ shape }, name) {
  return shape[growing(name)];
}

/** A copy of what the first `tokens` tokens hold. @returns {Tensor} */
function firstTokens(value, name, tokens) {
  return resized(value, name, tokens, tokens);
}

/** Old rows, then new ones; of a square value the old rows end in zeros. */
function joinTokens(old, fresh, name) {
  const known = tokensOf(old, name), tokens = known + tokensOf(fresh, name);
  const joined = resized(old, name, known, tokens);
  const axis = growing(name);
  const size = fresh.shape.slice(axis + 1).reduce((product, one) => product * one, 1);
  const rows = tokens - known;
  for (let block = 0; block * rows * size < fresh.data.length; block++) {
    const part = fresh.data.subarray(block * rows * size, (block + 1) * rows * size);
    joined.data.set(part, (block * tokens + known) * size);
  }
  return joined;
}

/** `rows` tokens of a value, with room for `tokens`; squares are cut on both axes. */
function resized({ data, shape }, name, rows, tokens) {
  const axis = growing(name), square = isSquare(name);
  const blocks = shape.slice(0, axis).reduce((product, one) => product * one, 1);
  const old = shape.slice(axis + 1).reduce((product, one) => product * one, 1);
  const size = square ? tokens : old, copied = square ? Math.min(rows, old) : old;
  const made = new Float32Array(blocks * tokens * size);
  for (let block = 0; block < blocks; block++) {
    for (let t = 0; t < rows; t++) {
      const from = (block * shape[axis] + t) * old;
      made.set(data.subarray(from, from + copied), (block * tokens + t) * size);
    }
  }
  const rest = square ? [tokens] : shape.slice(axis + 1);
  return { data: made, shape: [...shape.slice(0, axis), tokens, ...rest] };
}
