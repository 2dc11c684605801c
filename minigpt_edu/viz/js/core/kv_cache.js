/**
 * Keys and values of the past: each new token then costs one token of work.
 *
 * The caller owns it. It remembers which tokens it holds, so that a text that was
 * edited at its end is not read again from its beginning.
 *
 *     const cache = new KVCache(model.config);
 *     model.feed(ids, cache);  model.feed([...ids, next], cache);
 *
 * Shapes: L layers, K key/value heads, S slots, D head_size.
 */

import { Workspace } from "./pass.js";

/** One sequence's keys and values, and the ids they belong to. */
export class KVCache {
  /**
   * @param {import("./config.js").GPTConfig} config
   * @param {number} [slots] tokens it has room for; by default all the model can read
   */
  constructor(config, slots = config.block_size) {
    if (!(slots >= 1 && slots <= config.block_size)) {
      throw new Error(
        `slots=${slots} must be between 1 and what the model can read, ` +
          `block_size=${config.block_size}`,
      );
    }
    this.config = config;
    const size = config.kv_heads * slots * config.head_size;
    const layers = { length: config.n_layer };
    this.slots = slots;
    this.heads = config.kv_heads;
    this.size = config.head_size;
    this.k = Array.from(layers, () => new Float32Array(size)); // L x [K, S, D]
    this.v = Array.from(layers, () => new Float32Array(size)); // L x [K, D, S]
    /** @type {number[]} the tokens whose keys and values it holds */
    this.ids = [];
    this.work = new Workspace();
  }

  /** How many tokens it holds. @returns {number} */
  get length() {
    return this.ids.length;
  }

  /** Bytes of keys and values. @returns {number} */
  get nbytes() {
    return this.k.length * 2 * this.k[0].byteLength;
  }

  /** Forgets everything after the first `length` tokens. @param {number} length */
  truncate(length) {
    if (!(length >= 0 && length <= this.length)) {
      throw new Error(`cannot keep ${length} tokens of the ${this.length} it holds`);
    }
    this.ids.length = length;
  }

  /**
   * How many of `ids` it already holds, from the first on.
   * @param {ArrayLike<number>} ids @returns {number}
   */
  shared(ids) {
    let same = 0;
    while (same < this.length && same < ids.length && this.ids[same] === ids[same]) {
      same++;
    }
    return same;
  }

  /**
   * Writes new keys and values [tokens, K, D] of one layer behind the first `start`.
   * Values lie with their slots side by side: an average over the past then reads
   * neighbours.
   */
  write(layer, k, v, tokens, start) {
    const { heads, size, slots } = this;
    const keys = this.k[layer], values = this.v[layer];
    for (let t = 0, at = 0; t < tokens; t++) {
      for (let h = 0; h < heads; h++) {
        const row = (h * slots + start + t) * size;
        const column = h * size * slots + start + t;
        for (let i = 0; i < size; i++, at++) {
          keys[row + i] = k[at];
          values[column + i * slots] = v[at];
        }
      }
    }
  }
}
