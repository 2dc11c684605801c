/**
 * One forward pass: its tokens, its memory, and who is listening.
 *
 * Buffers are taken by name and used again by every layer and every pass over the same
 * workspace, so that a token costs no allocation. While nobody listens, showing a value
 * is one comparison with null.
 */

/** Named buffers that grow when more is asked for, and are never given back. */
export class Workspace {
  constructor() {
    /** @type {Map<string, Float32Array>} */
    this.buffers = new Map();
  }

  /** At least `size` numbers; what they hold is left from before. */
  take(name, size) {
    let buffer = this.buffers.get(name);
    if (buffer === undefined || buffer.length < size) {
      buffer = new Float32Array(size);
      this.buffers.set(name, buffer);
    }
    return buffer;
  }
}

/** What every layer needs to know about this forward pass. */
export class Pass {
  /**
   * @param {Workspace} work
   * @param {{tokens: number, start: number, cache: import("./kv_cache.js").KVCache,
   *   listener?: import("./listener.js").Listener | null}} what
   */
  constructor(work, { tokens, start, cache, listener = null }) {
    this.work = work;
    this.tokens = tokens; // T new ones
    this.start = start; // how many are in the cache already
    this.seen = start + tokens; // S
    this.cache = cache;
    this.listener = listener;
  }

  /** @param {string} name @param {number} size @returns {Float32Array} */
  take(name, size) {
    return this.work.take(name, size);
  }

  /** Whether anybody listens to one of these: if not, it need not be computed. */
  wants(path, names) {
    const { listener } = this;
    return listener !== null && names.some((name) => listener.wants(path + name));
  }

  /**
   * Shows a buffer [tokens, heads, size] as [1, heads, tokens, size], or without heads
   * (0) as [1, tokens, size]; what a listener changed is written back.
   */
  show(path, name, buffer, heads, size) {
    if (this.listener === null || !this.listener.wants(path + name)) return;
    const { tokens } = this;
    const shape = heads === 0 ? [1, tokens, size] : [1, heads, tokens, size];
    const data = new Float32Array(tokens * (heads || 1) * size);
    swapAxes(buffer, data, tokens, heads || 1, size);
    const heard = this.listener.hear(path + name, { data, shape });
    swapAxes(heard.data, buffer, heads || 1, tokens, size);
  }

  /** Shows a buffer that lies as its axes say, after the batch of one. */
  showAs(path, name, buffer, axes) {
    if (this.listener === null || !this.listener.wants(path + name)) return;
    const size = axes.reduce((product, axis) => product * axis, 1);
    const value = { data: buffer.slice(0, size), shape: [1, ...axes] };
    buffer.set(this.listener.hear(path + name, value).data);
  }
}

/** [a, b, size] -> [b, a, size]. */
function swapAxes(from, to, a, b, size) {
  for (let i = 0, at = 0; i < a; i++) {
    for (let j = 0; j < b; j++, at += size) {
      const target = (j * a + i) * size;
      for (let k = 0; k < size; k++) to[target + k] = from[at + k];
    }
  }
}
