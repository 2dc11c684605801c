/**
 * One block: attention, then the MLP, each with its norm.
 *
 * Shapes: T new tokens, C n_embd.
 */

import { Attention } from "./attention.js";
import { MLP } from "./mlp.js";
import { takeNorm } from "./norms.js";
import { addInto } from "./ops.js";

/** Communicate, then compute; each adds its result to the residual stream. */
export class Block {
  /**
   * @param {import("./config.js").GPTConfig} config
   * @param {{take: (name: string, shape: number[]) => Float32Array}} table
   * @param {number} layer
   * @param {import("./positions.js").Rotary | null} rotary
   */
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
