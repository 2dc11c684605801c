/**
 * The fields of a model's config: their defaults, the choices, and which are numbers.
 *
 * Made from GPTConfig in minigpt_edu/model/config.py by minigpt_edu/viz/js_schema.py:
 * change it there.
 */

/** Every field but vocab_size, which has no default. */
export const CONFIG_DEFAULTS = {
  block_size: 256,
  n_layer: 4,
  n_head: 4,
  n_kv_head: null,
  n_embd: 128,
  n_hidden: null,
  head_dim: null,
  position: "learned",
  norm: "layer",
  norm_position: "pre",
  norm_gain: true,
  final_norm: true,
  mlp: "gelu",
  bias: true,
  attn_bias: null,
  mlp_bias: null,
  head_bias: false,
  attn_output: true,
  parallel_block: false,
  tie_weights: true,
  qk_norm: false,
  attn_softcap: null,
  logit_softcap: null,
  rope_base: 10000.0,
  norm_eps: 1e-05,
  dropout: 0.0,
};

/** @type {Record<string, string[]>} */
export const CONFIG_CHOICES = {
  position: ["learned", "rope", "sinusoidal", "none"],
  norm: ["layer", "rms"],
  norm_position: ["pre", "post"],
  mlp: ["gelu", "relu", "relu2", "swiglu"],
};

/** Fields that are whole numbers, at least 1; the second row may be null. */
export const CONFIG_COUNTS = ["vocab_size", "block_size", "n_layer", "n_head", "n_embd"];
export const CONFIG_OPTIONAL_COUNTS = ["n_kv_head", "n_hidden", "head_dim"];

/** Fields above 0, or null. */
export const CONFIG_CAPS = ["attn_softcap", "logit_softcap"];
