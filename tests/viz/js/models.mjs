/** Small models with seeded random weights, in every shape, for the laws they obey. */

import { makeConfig } from "../../../minigpt_edu/viz/js/core/config.js";
import { GPT } from "../../../minigpt_edu/viz/js/core/model.js";
import { Mulberry32 } from "../../../minigpt_edu/viz/js/core/rng.js";

const SIZE = { vocab_size: 61, block_size: 96, n_layer: 2, n_head: 4, n_embd: 20 };
const MODERN = { position: "rope", norm: "rms", mlp: "swiglu", bias: false };

/** Shapes that together use every option; 20, 61 and 27 are no multiples of four. */
export const SHAPES = {
  gpt2: { head_bias: true },
  modern: { ...MODERN, n_kv_head: 2, head_dim: 6 },
  everything: {
    ...MODERN, n_kv_head: 1, head_dim: 10, qk_norm: true, attn_softcap: 2,
    logit_softcap: 3, tie_weights: false, head_bias: true, attn_bias: true, n_hidden: 27,
  },
  post: { norm_position: "post", mlp: "relu", final_norm: false, mlp_bias: false },
  parallel: { parallel_block: true, mlp: "relu2", norm_gain: false },
  sinusoidal: { position: "sinusoidal", norm: "rms", bias: false },
  none: { position: "none", attn_output: false, attn_bias: false },
};

/** The shape of the model that comes with the book. */
export const READER = {
  ...MODERN, vocab_size: 1024, block_size: 256, n_layer: 5, n_head: 4, n_kv_head: 2,
  n_embd: 128, n_hidden: 336,
};

/** Weights invented on demand; the same seed gives the same ones. */
class RandomTable {
  constructor(seed) {
    this.random = new Mulberry32(seed);
    this.count = 0;
  }

  take(name, shape) {
    const size = shape.reduce((product, axis) => product * axis, 1);
    const gain = name.includes("norm") && name.endsWith("weight");
    this.count += size;
    return Float32Array.from(
      { length: size },
      () => (gain ? 1 : 0) + 0.8 * (this.random.uniform() - 0.5),
    );
  }

  finish() {}
}

export function randomModel(changes, seed = 7) {
  return new GPT(makeConfig({ ...SIZE, ...changes }), new RandomTable(seed));
}

export function randomIds(count, vocabulary, seed = 3) {
  const random = new Mulberry32(seed);
  return Array.from({ length: count }, () => Math.floor(random.uniform() * vocabulary));
}
