/**
 * Questions to whoever computes: torch in JupyterLab, the page's engine in the book.
 *
 *     const caller = new Caller(model);
 *     const { arrays } = await caller.ask("run", { ids, keep: ["blocks.*.attn.q"] });
 *     arrays.logits                                  // {data: Float32Array, shape}
 *
 * Of each method only the latest question counts: an older one rejects with `Outdated`,
 * which a figure passes over in silence.
 */

import { pageStore } from "./store.js";

/** A question whose answer nobody waits for any more. */
export class Outdated extends Error {}

/** The questions of one view. */
export class Caller {
  /** @param {any} model the anywidget model, or the page's */
  constructor(model) {
    this.model = model;
    /** @type {Map<string, {id: string, resolve: Function, reject: Function}>} */
    this.waiting = new Map();
    this.hear = (content, buffers) => this.#answer(content, buffers ?? []);
    model.on("msg:custom", this.hear);
  }

  /**
   * The answer, its arrays by name; rejects with the sentence of an error.
   * @param {string} method @param {Record<string, any>} [args] @returns {Promise<any>}
   */
  ask(method, args = {}) {
    const id = `${method}-${pageStore().nextId()}`;
    this.#drop(method);
    return new Promise((resolve, reject) => {
      this.waiting.set(method, { id, resolve, reject });
      this.model.send({ id, method, args });
    });
  }

  /** Stops listening; what is still awaited is dropped. */
  close() {
    this.model.off("msg:custom", this.hear);
    for (const method of [...this.waiting.keys()]) this.#drop(method);
  }

  #drop(method) {
    this.waiting.get(method)?.reject(new Outdated(method));
    this.waiting.delete(method);
  }

  #answer({ id, result, error }, buffers) {
    for (const [method, asked] of this.waiting) {
      if (asked.id !== id) continue;
      this.waiting.delete(method);
      if (error !== undefined) asked.reject(new Error(error));
      else asked.resolve(withArrays(result, buffers));
    }
  }
}

/** The result with its buffers as tensors by name. */
export function withArrays(result, buffers) {
  if (!Array.isArray(result?.arrays)) return result;
  const arrays = {};
  result.arrays.forEach(({ name, shape }, i) => {
    arrays[name] = { data: floatsOf(buffers[i]), shape };
  });
  return { ...result, arrays };
}

/** The float32 numbers of a buffer, or of a view into one that may not be aligned. */
function floatsOf(buffer) {
  if (buffer instanceof ArrayBuffer) return new Float32Array(buffer);
  const { byteOffset, byteLength } = buffer;
  return new Float32Array(buffer.buffer.slice(byteOffset, byteOffset + byteLength));
}
