/**
 * Looking inside a forward pass, and changing what is there.
 *
 * A listener says what to keep and what to edit, by hook name or pattern; the model
 * shows it each value as it is made. What was kept is an ActivationCache.
 *
 *     const { cache } = model.run(ids, { keep: "blocks.*.attn.pattern" });
 *     cache.get("pattern", 0)                     // {data, shape: [1, H, T, T]}
 *     model.run(ids, { edits: { "blocks.1.attn.z": (z) => void z.data.fill(0) } });
 */

import { closeMatches, globPattern } from "./names.js";
import { sameShape } from "./tensor.js";

/** @typedef {import("./tensor.js").Tensor} Tensor */
/** @typedef {(value: Tensor, name: string) => Tensor | void | null} Edit */

/**
 * The names a pattern means; `head_out`, the largest, only when asked for by name.
 * Throws, with the nearest names, when there is none.
 * @param {string} pattern @param {string[]} names @returns {string[]}
 */
export function selectHooks(pattern, names) {
  const glob = globPattern(pattern);
  const found = names.filter((name) => glob.test(name));
  const wanted = pattern.endsWith("head_out")
    ? found
    : found.filter((name) => !name.endsWith("head_out"));
  if (wanted.length > 0) return wanted;
  const near = closeMatches(pattern, names, 3, 0.3);
  const nearest = (near.length > 0 ? near : names.slice(0, 3)).join(", ");
  throw new Error(
    `no hook matches "${pattern}"; the nearest are ${nearest}. ` +
      "model.hookNames() lists them all",
  );
}

/** What somebody wants from a forward pass: values to keep, edits to make. */
export class Listener {
  /**
   * @param {string[]} names all hooks of the model
   * @param {{keep?: string | string[], edits?: Record<string, Edit>}} wishes
   */
  constructor(names, { keep = [], edits = {} } = {}) {
    const patterns = typeof keep === "string" ? [keep] : keep;
    this.kept = new Set(patterns.flatMap((pattern) => selectHooks(pattern, names)));
    /** @type {Map<string, Edit[]>} */
    this.edits = new Map();
    for (const [pattern, edit] of Object.entries(edits)) {
      if (typeof edit !== "function") {
        throw new Error(`the edit of ${pattern} must be a function of (value, name)`);
      }
      for (const name of selectHooks(pattern, names)) {
        this.edits.set(name, [...(this.edits.get(name) ?? []), edit]);
      }
    }
    /** @type {Map<string, Tensor>} */
    this.values = new Map();
  }

  /** @param {string} name @returns {boolean} */
  wants(name) {
    return this.kept.has(name) || this.edits.has(name);
  }

  /**
   * The value the model goes on with: what the edits make of `value`, which is the
   * listener's to keep. Edits come first, so that what is kept is what was used. An
   * edit may also change `value.data` in its place and return nothing.
   * @param {string} name @param {Tensor} value @returns {Tensor}
   */
  hear(name, value) {
    for (const edit of this.edits.get(name) ?? []) {
      const given = [...value.shape];
      const edited = /** @type {Tensor | null | undefined} */ (edit(value, name));
      value = edited ?? value;
      checkEdited(name, value, given);
    }
    if (this.kept.has(name)) {
      this.values.set(name, { data: value.data.slice(), shape: [...value.shape] });
    }
    return value;
  }
}

function checkEdited(name, value, shape) {
  const fits =
    value.data instanceof Float32Array &&
    Array.isArray(value.shape) &&
    sameShape(value.shape, shape) &&
    value.data.length === shape.reduce((size, axis) => size * axis, 1);
  if (!fits) {
    const got = Array.isArray(value.shape) ? `[${value.shape.join(", ")}]` : "that";
    throw new Error(
      `the edit of ${name} returned ${got}; it must keep a Float32Array of the ` +
        `shape [${shape.join(", ")}]`,
    );
  }
}

/** What one forward pass computed, by hook name, in the order it was computed. */
export class ActivationCache {
  /** @param {Map<string, Tensor>} values */
  constructor(values) {
    this.values = values;
  }

  /** The names of all that was kept. @returns {string[]} */
  names() {
    return [...this.values.keys()];
  }

  /** Whether a full name was kept. @param {string} name @returns {boolean} */
  has(name) {
    return this.values.has(name);
  }

  /**
   * `get("blocks.0.attn.q")`, or for short `get("q", 0)`; negative layers count from
   * the end. Throws, with the nearest names, when it was not kept.
   * @param {string} name @param {number} [layer] @returns {Tensor}
   */
  get(name, layer) {
    const full = layer === undefined ? name : this.#fullName(name, layer);
    const value = this.values.get(full);
    if (value === undefined) {
      const near = closeMatches(full, this.values.keys(), 3, 0.3).join(", ");
      throw new Error(`"${full}" was not kept; the nearest are ${near || "none"}`);
    }
    return value;
  }

  /** Layers seen: one more than the highest block number kept. @returns {number} */
  get layers() {
    const blocks = this.names().filter((name) => name.startsWith("blocks."));
    return 1 + Math.max(-1, ...blocks.map((name) => Number(name.split(".")[1])));
  }

  #fullName(short, layer) {
    const start = `blocks.${layer >= 0 ? layer : this.layers + layer}.`;
    const end = `.${short}`;
    const found = this.names().filter((n) => n.startsWith(start) && n.endsWith(end));
    if (found.length !== 1) {
      const all = found.join(", ");
      const problem = found.length > 0 ? `means all of ${all}` : "was not kept";
      throw new Error(`"${short}" of layer ${layer} ${problem}: use the full name`);
    }
    return found[0];
  }
}
