/**
 * The part of a block where each token is alone: widen, bend, narrow.
 *
 * Sources: GELU arXiv:1606.08415 (tanh form, as GPT-2); SwiGLU arXiv:2002.05202;
 * squared ReLU arXiv:2109.08668.
 */

import { activateInto } from "./ops.js";
import { takeLinear } from "./weights.js";

/** Two projections with a bend between them; swiglu adds a third that multiplies. */
export class MLP {
  /**
   * @param {import("./config.js").GPTConfig} config
   * @param {{take: (name: string, shape: number[]) => Float32Array}} table
   * @param {string} path "blocks.0.mlp."
   */
  constructor(config, table, path) {
    const { n_embd, hidden, has_mlp_bias, mlp } = config;
    this.kind = mlp;
    this.path = path;
    const widen = (name) =>
      takeLinear(table, path + name, hidden, n_embd, has_mlp_bias);
    this.gate = mlp === "swiglu" ? widen("gate") : null;
    this.up = widen("up");
    this.down = takeLinear(table, `${path}down`, n_embd, hidden, has_mlp_bias);
  }

  /**
   * x [tokens, C] -> what the MLP adds to the stream, [tokens, C].
   * @param {Float32Array} x @param {import("./pass.js").Pass} pass
   * @returns {Float32Array}
   */
  apply(x, pass) {
    const { path, gate, up, down, kind } = this;
    const tokens = pass.tokens, hidden = up.outputs, size = tokens * hidden;
    const pre = pass.take("pre", size); // [tokens, F]
    (gate ?? up).apply(x, pre, tokens);
    pass.show(path, "pre", pre, 0, hidden);
    activateInto(kind, pre, pre, size);
    if (gate !== null) {
      const beside = pass.take("up", size);
      up.apply(x, beside, tokens);
      pass.show(path, "up", beside, 0, hidden);
      for (let i = 0; i < size; i++) pre[i] *= beside[i];
    }
    pass.show(path, "post", pre, 0, hidden);
    const out = pass.take("mlp_out", tokens * down.outputs);
    down.apply(pre, out, tokens);
    pass.show(path, "out", out, 0, down.outputs);
    return out;
  }
}
