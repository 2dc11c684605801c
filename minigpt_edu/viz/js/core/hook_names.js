/**
 * Which hooks a model of some shape has, in the order in which they are computed.
 *
 *     hookNames(config)       // ["tokens", "embed", "blocks.0.resid_pre", ...]
 */

import { HOOKS } from "./hooks.js";

/** When a row of HOOKS is there; the keys are those of CONDITIONS in Python. */
export const HOOK_CONDITIONS = {
  always: () => true,
  "added positions": (c) => c.position === "learned" || c.position === "sinusoidal",
  rope: (c) => c.position === "rope",
  qk_norm: (c) => c.qk_norm,
  attn_softcap: (c) => c.attn_softcap !== null,
  attn_output: (c) => c.attn_output,
  swiglu: (c) => c.mlp === "swiglu",
  final_norm: (c) => c.final_norm,
  logit_softcap: (c) => c.logit_softcap !== null,
  "targets given": () => true,
};

/**
 * Every hook a model of this shape has, layer by layer.
 * @param {import("./config.js").GPTConfig} config @returns {string[]}
 */
export function hookNames(config) {
  const there = HOOKS.filter((hook) => HOOK_CONDITIONS[hook.when](config));
  const names = there.map((hook) => hook.name);
  const first = names.findIndex(isBlockHook);
  let block = names.filter(isBlockHook);
  if (config.norm_position === "post") {
    block = moveBehind(block, ".norm1.", ".attn.out");
    block = moveBehind(block, ".norm2.", ".mlp.out");
  }
  const layers = Array.from({ length: config.n_layer }, (_, i) =>
    block.map((name) => name.replace("{i}", String(i))),
  );
  const after = names.slice(first).filter((name) => !isBlockHook(name));
  return [...names.slice(0, first), ...layers.flat(), ...after];
}

/**
 * The axes of one hook: "blocks.0.attn.q" -> ["batch", "head", "position", "head_dim"].
 * @param {string} name @returns {string[]}
 */
export function hookAxes(name) {
  const general = name.replace(/^blocks\.\d+\./, "blocks.{i}.");
  const row = HOOKS.find((hook) => hook.name === general);
  if (row === undefined) throw new Error(`there is no hook ${name}`);
  return row.axes.split(", ");
}

function isBlockHook(name) {
  return name.includes("{i}");
}

/** With norms after the addition, the norm comes after what was added. */
function moveBehind(names, norm, writer) {
  const moved = names.filter((name) => name.includes(norm));
  const rest = names.filter((name) => !name.includes(norm));
  const after = rest.findIndex((name) => name.endsWith(writer)) + 1;
  return [...rest.slice(0, after), ...moved, ...rest.slice(after)];
}
