/**
 * The shape of a GPT as one frozen object, with Python's field names.
 *
 *     const config = makeConfig({ vocab_size: 1024, position: "rope", mlp: "swiglu" });
 *     config.hidden                         // derived: never stored, never stale
 *
 * The derived numbers are the properties of GPTConfig: head_size, kv_heads, hidden,
 * has_attn_bias, has_mlp_bias.
 */

import { CONFIG_CAPS, CONFIG_CHOICES, CONFIG_COUNTS, CONFIG_DEFAULTS, CONFIG_OPTIONAL_COUNTS } from "./config_table.js";
import { closeMatches } from "./names.js";

/** @typedef {Readonly<Record<string, any>>} GPTConfig */

/**
 * A complete config from some of its fields; all but vocab_size have defaults.
 * Throws when a field is unknown or when fields contradict each other.
 * @param {Record<string, any>} values @returns {GPTConfig}
 */
export function makeConfig(values) {
  refuseUnknownFields(values);
  const config = { ...CONFIG_DEFAULTS, ...values };
  checkConfigNumbers(config);
  checkConfigChoices(config);
  if (config.head_dim === null && config.n_embd % config.n_head !== 0) {
    throw new Error(
      `n_embd=${config.n_embd} must be a multiple of n_head=${config.n_head} ` +
        "(or set head_dim)",
    );
  }
  const whole = Object.freeze({ ...config, ...derivedNumbers(config) });
  checkConfigAgreement(whole);
  return whole;
}

function derivedNumbers(config) {
  return {
    head_size: config.head_dim ?? config.n_embd / config.n_head,
    kv_heads: config.n_kv_head ?? config.n_head,
    hidden: config.n_hidden ?? defaultHidden(config),
    has_attn_bias: config.attn_bias ?? config.bias,
    has_mlp_bias: config.mlp_bias ?? config.bias,
  };
}

/** 4C, and for swiglu 8C/3 rounded up to 8s: three matrices then cost what two did. */
function defaultHidden({ mlp, n_embd }) {
  return mlp === "swiglu" ? Math.ceil(Math.ceil((8 * n_embd) / 3) / 8) * 8 : 4 * n_embd;
}

function refuseUnknownFields(values) {
  const known = ["vocab_size", ...Object.keys(CONFIG_DEFAULTS)];
  for (const name of Object.keys(values)) {
    if (known.includes(name)) continue;
    const [near] = closeMatches(name, known, 1);
    const hint = near ? `did you mean "${near}"?` : `known: ${known.join(", ")}`;
    throw new Error(`a config has no field "${name}": ${hint}`);
  }
  if (values.vocab_size === undefined) {
    throw new Error("vocab_size is missing: it is the tokenizer's vocab_size");
  }
}

function checkConfigNumbers(config) {
  for (const name of [...CONFIG_COUNTS, ...CONFIG_OPTIONAL_COUNTS]) {
    const value = config[name];
    if (value === null && CONFIG_OPTIONAL_COUNTS.includes(name)) continue;
    if (!Number.isInteger(value) || value < 1) {
      throw new Error(`${name}=${value} must be a whole number, at least 1`);
    }
  }
  for (const name of CONFIG_CAPS) {
    if (config[name] !== null && !(config[name] > 0)) {
      throw new Error(`${name}=${config[name]} must be above 0, or null for no cap`);
    }
  }
  if (!(config.norm_eps > 0) || !(config.rope_base > 1)) {
    throw new Error(
      `norm_eps=${config.norm_eps} must be above 0 and ` +
        `rope_base=${config.rope_base} above 1`,
    );
  }
}

function checkConfigChoices(config) {
  for (const [name, known] of Object.entries(CONFIG_CHOICES)) {
    if (!known.includes(config[name])) {
      throw new Error(`${name}="${config[name]}": choose one of ${known.join(", ")}`);
    }
  }
}

function checkConfigAgreement(config) {
  const { n_head, n_kv_head, kv_heads, head_size, n_embd } = config;
  if (n_head % kv_heads !== 0) {
    throw new Error(`n_head=${n_head} must be a multiple of n_kv_head=${n_kv_head}`);
  }
  if (config.position === "rope" && head_size % 2 !== 0) {
    throw new Error(
      `rope rotates pairs of numbers: head_dim=${head_size} must be even`,
    );
  }
  if (!config.attn_output && n_head * head_size !== n_embd) {
    throw new Error(
      `without attn_output the joined heads (${n_head} x ${head_size}) must be as ` +
        `wide as n_embd=${n_embd}`,
    );
  }
  if (config.parallel_block && config.norm_position === "post") {
    throw new Error('parallel_block needs norm_position="pre"');
  }
}
