/**
 * The table of hook points: what can be looked at, on which axes, and what it means.
 *
 * Made from HOOKS in minigpt_edu/model/hook_table.py by minigpt_edu/viz/js_schema.py:
 * change it there.
 */

/**
 * @typedef {{name: string, axes: string, when: string, meaning: string}} HookPoint
 */

/** @type {HookPoint[]} */
export const HOOKS = [
  {"name": "tokens", "axes": "batch, position", "when": "always", "meaning": "the ids that went in"},
  {"name": "embed", "axes": "batch, position, n_embd", "when": "always", "meaning": "each token's row of the embedding table"},
  {"name": "pos_embed", "axes": "row, position, n_embd", "when": "added positions", "meaning": "each position's row"},
  {"name": "blocks.{i}.resid_pre", "axes": "batch, position, n_embd", "when": "always", "meaning": "the stream entering the block"},
  {"name": "blocks.{i}.norm1.scale", "axes": "batch, position, 1", "when": "always", "meaning": "what the norm of stream before attention divides by"},
  {"name": "blocks.{i}.norm1.normalized", "axes": "batch, position, n_embd", "when": "always", "meaning": "after dividing, before the gain"},
  {"name": "blocks.{i}.norm1.out", "axes": "batch, position, n_embd", "when": "always", "meaning": "the normalised stream before attention"},
  {"name": "blocks.{i}.attn.q", "axes": "batch, head, position, head_dim", "when": "always", "meaning": "queries, before norm and rotation"},
  {"name": "blocks.{i}.attn.k", "axes": "batch, kv_head, position, head_dim", "when": "always", "meaning": "keys of the new tokens, likewise"},
  {"name": "blocks.{i}.attn.v", "axes": "batch, kv_head, position, head_dim", "when": "always", "meaning": "values of the new tokens"},
  {"name": "blocks.{i}.attn.norm_q.scale", "axes": "batch, head, position, 1", "when": "qk_norm", "meaning": "what the norm of queries divides by"},
  {"name": "blocks.{i}.attn.norm_q.normalized", "axes": "batch, head, position, head_dim", "when": "qk_norm", "meaning": "after dividing, before the gain"},
  {"name": "blocks.{i}.attn.norm_q.out", "axes": "batch, head, position, head_dim", "when": "qk_norm", "meaning": "the normalised queries"},
  {"name": "blocks.{i}.attn.norm_k.scale", "axes": "batch, kv_head, position, 1", "when": "qk_norm", "meaning": "what the norm of keys divides by"},
  {"name": "blocks.{i}.attn.norm_k.normalized", "axes": "batch, kv_head, position, head_dim", "when": "qk_norm", "meaning": "after dividing, before the gain"},
  {"name": "blocks.{i}.attn.norm_k.out", "axes": "batch, kv_head, position, head_dim", "when": "qk_norm", "meaning": "the normalised keys"},
  {"name": "blocks.{i}.attn.q_rot", "axes": "batch, head, position, head_dim", "when": "rope", "meaning": "queries turned by their position"},
  {"name": "blocks.{i}.attn.k_rot", "axes": "batch, kv_head, position, head_dim", "when": "rope", "meaning": "keys turned by their position"},
  {"name": "blocks.{i}.attn.scores_raw", "axes": "batch, head, query, key", "when": "attn_softcap", "meaning": "scores before the cap"},
  {"name": "blocks.{i}.attn.scores", "axes": "batch, head, query, key", "when": "always", "meaning": "q.k / sqrt(D), before the mask"},
  {"name": "blocks.{i}.attn.pattern", "axes": "batch, head, query, key", "when": "always", "meaning": "masked softmax; rows sum to 1"},
  {"name": "blocks.{i}.attn.z", "axes": "batch, head, position, head_dim", "when": "always", "meaning": "values averaged by the pattern"},
  {"name": "blocks.{i}.attn.head_out", "axes": "batch, head, position, n_embd", "when": "attn_output", "meaning": "what each head writes, without the bias (large: only when asked for by name)"},
  {"name": "blocks.{i}.attn.out", "axes": "batch, position, n_embd", "when": "always", "meaning": "what attention adds to the stream"},
  {"name": "blocks.{i}.resid_mid", "axes": "batch, position, n_embd", "when": "always", "meaning": "the stream between attention and MLP"},
  {"name": "blocks.{i}.norm2.scale", "axes": "batch, position, 1", "when": "always", "meaning": "what the norm of stream before the MLP divides by"},
  {"name": "blocks.{i}.norm2.normalized", "axes": "batch, position, n_embd", "when": "always", "meaning": "after dividing, before the gain"},
  {"name": "blocks.{i}.norm2.out", "axes": "batch, position, n_embd", "when": "always", "meaning": "the normalised stream before the MLP"},
  {"name": "blocks.{i}.mlp.pre", "axes": "batch, position, n_hidden", "when": "always", "meaning": "input of the non-linearity"},
  {"name": "blocks.{i}.mlp.up", "axes": "batch, position, n_hidden", "when": "swiglu", "meaning": "the branch that is multiplied"},
  {"name": "blocks.{i}.mlp.post", "axes": "batch, position, n_hidden", "when": "always", "meaning": "the neurons: what the MLP writes with"},
  {"name": "blocks.{i}.mlp.out", "axes": "batch, position, n_embd", "when": "always", "meaning": "what the MLP adds to the stream"},
  {"name": "blocks.{i}.resid_post", "axes": "batch, position, n_embd", "when": "always", "meaning": "the stream leaving the block"},
  {"name": "norm_final.scale", "axes": "batch, position, 1", "when": "final_norm", "meaning": "what the norm of stream before the unembedding divides by"},
  {"name": "norm_final.normalized", "axes": "batch, position, n_embd", "when": "final_norm", "meaning": "after dividing, before the gain"},
  {"name": "norm_final.out", "axes": "batch, position, n_embd", "when": "final_norm", "meaning": "the normalised stream before the unembedding"},
  {"name": "logits_raw", "axes": "batch, position, vocab", "when": "logit_softcap", "meaning": "logits before the cap"},
  {"name": "logits", "axes": "batch, position, vocab", "when": "always", "meaning": "a score for every possible next token"},
  {"name": "loss", "axes": "batch, position", "when": "targets given", "meaning": "surprise in nats"},
];
