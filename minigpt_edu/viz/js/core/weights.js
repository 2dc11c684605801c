/**
 * The weights of a model by name, each asked for once and checked for its shape.
 *
 *     const table = new WeightTable(tensors);           // Map: name -> {data, shape}
 *     const query = takeLinear(table, "blocks.0.attn.query", 128, 128, false);
 *     table.finish();                                   // throws if any was not used
 */

import { Linear } from "./ops.js";
import { sameShape } from "./tensor.js";

/** Weights that are known beforehand. */
export class WeightTable {
  /** @param {Map<string, import("./tensor.js").Tensor>} tensors */
  constructor(tensors) {
    this.tensors = tensors;
    this.used = new Set();
    this.count = 0; // parameters handed out
  }

  /**
   * The numbers of one weight. Throws when it is missing or of another shape.
   * @param {string} name @param {number[]} shape @returns {Float32Array}
   */
  take(name, shape) {
    const found = this.tensors.get(name);
    const wanted = `[${shape.join(", ")}]`;
    if (found === undefined) {
      throw new Error(`weights and config disagree: there is no ${name} ${wanted}`);
    }
    if (!sameShape(found.shape, shape)) {
      throw new Error(
        `weights and config disagree: ${name} is [${found.shape.join(", ")}], and ` +
          `the config asks for ${wanted}`,
      );
    }
    this.used.add(name);
    this.count += found.data.length;
    return found.data;
  }

  /** Throws when a weight was not asked for: the config is that of another model. */
  finish() {
    const left = [...this.tensors.keys()].filter((name) => !this.used.has(name));
    if (left.length > 0) {
      const some = left.slice(0, 3).join(", ") + (left.length > 3 ? ", ..." : "");
      throw new Error(
        `weights and config disagree: the config has no place for ${some}`,
      );
    }
  }
}

/**
 * A projection, with its bias if it has one.
 * @param {{take: (name: string, shape: number[]) => Float32Array}} table
 */
export function takeLinear(table, name, outputs, inputs, hasBias) {
  const weight = table.take(`${name}.weight`, [outputs, inputs]);
  const bias = hasBias ? table.take(`${name}.bias`, [outputs]) : null;
  return new Linear(weight, bias, outputs, inputs);
}
