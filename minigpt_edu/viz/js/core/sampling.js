/**
 * From logits to one token: small rules that forbid tokens, then one draw.
 *
 * The same rules as minigpt_edu/inference/sampling.py, over the whole vocabulary; their
 * arithmetic is rounded to float32 where torch rounds, so that equal logits leave equal
 * sets.
 *
 *     const sampler = Sampler.of({ temperature: 0.8, top_k: 50, seed: 7 });
 *     const id = sampler.choose(logits, seen);
 *     for (const { name, probs } of sampler.stages(logits, seen)) ...
 *
 * Shapes: logits [V]; `seen` is a list of ids.
 */

import { drawId, Mulberry32 } from "./rng.js";

const f32 = Math.fround;
const GREEDY = "Greedy()";

/**
 * A rule's name is its `repr` in Python; `explain` is one plain sentence.
 * @typedef {{name: string, explain: () => string,
 *   apply: (logits: Float32Array, seen: ArrayLike<number>) => Float32Array}} LogitsRule
 */

/** Logits as probabilities: float32, as torch's softmax. @returns {Float32Array} */
export function softmaxOf(logits) {
  let best = -Infinity;
  for (const value of logits) if (value > best) best = value;
  const probs = logits.map((value) => Math.exp(f32(value - best)));
  let total = 0;
  for (const value of probs) total += value;
  return probs.map((value) => value / f32(total));
}

/** Ids from the largest value down; of equal ones the lower id comes first. */
export function ranked(values) {
  const ids = Uint32Array.from(values, (_, id) => id);
  return ids.sort((a, b) => values[b] - values[a] || a - b);
}

/** A number as Python's format "g" writes it, for the sentences of both sides. */
function shortNumber(value) {
  return String(Number(value.toPrecision(6)));
}

/** Divides the logits: below 1 the rich get richer, above 1 all have a chance. */
export function temperatureRule(value) {
  if (!(value > 0 && value < Infinity)) {
    throw new Error(
      `temperature=${value} must be above 0; to take the best token each time use 0`,
    );
  }
  const effect = value < 1 ? "sharper" : "flatter";
  return {
    name: `Temperature(value=${value})`,
    explain: () =>
      `logits divided by ${shortNumber(value)}: the distribution becomes ${effect}`,
    apply: (logits) => logits.map((logit) => logit / f32(value)),
  };
}

/** Keeps exactly the k best tokens; of equal ones the lower id. arXiv:1805.04833. */
export function topKRule(k) {
  if (!(Number.isInteger(k) && k >= 1)) {
    throw new Error(`top_k=${k} must be at least 1; leave it out to keep every token`);
  }
  return {
    name: `TopK(k=${k})`,
    explain: () => `only the ${k} likeliest tokens may be drawn`,
    apply: (logits) => keepOnly(logits, ranked(logits).subarray(0, k)),
  };
}

/** Keeps the best token alone; of equal ones the lower id. */
export function greedyRule() {
  const explain = () => "always the likeliest token: no chance at all";
  return { ...topKRule(1), name: GREEDY, explain };
}

/**
 * Keeps the smallest set of tokens that together hold probability p; the one that
 * crosses p is in the set. arXiv:1904.09751.
 */
export function topPRule(p) {
  if (!(p > 0 && p <= 1)) {
    throw new Error(`top_p=${p} must be above 0 and at most 1 (1 keeps every token)`);
  }
  return {
    name: `TopP(p=${p})`,
    explain: () =>
      `only the likeliest tokens that together hold ${percent(p)} may be drawn`,
    apply: (logits) => (p === 1 ? logits : keepOnly(logits, nucleus(logits, p))),
  };
}

function nucleus(logits, p) {
  const order = ranked(logits);
  const probs = softmaxOf(Float32Array.from(order, (id) => logits[id]));
  let kept = 0, mass = 0;
  while (kept < order.length && f32(mass) < f32(p)) mass += probs[kept++];
  return order.subarray(0, kept);
}

/** Keeps the tokens at least p times as likely as the best one. arXiv:2407.01082. */
export function minPRule(p) {
  if (!(p > 0 && p <= 1)) {
    throw new Error(
      `min_p=${p} must be above 0 and at most 1; leave it out to keep every token`,
    );
  }
  const distance = f32(Math.log(p)); // a ratio of p is this far below, in logits
  return {
    name: `MinP(p=${p})`,
    explain: () =>
      `only tokens at least ${shortNumber(p)} times as likely as the best may be drawn`,
    apply: (logits) => {
      const best = logits.reduce((a, b) => (b > a ? b : a), -Infinity);
      const least = f32(best + distance);
      return logits.map((logit) => (logit < least ? -Infinity : logit));
    },
  };
}

/**
 * Makes the tokens already seen less likely: positive logits are divided by the value,
 * negative ones multiplied. arXiv:1909.05858.
 */
export function repetitionRule(value) {
  if (!(value > 0 && value < Infinity)) {
    throw new Error(`repetition_penalty=${value} must be above 0 (1 changes nothing)`);
  }
  const change = value > 1 ? "less" : "more";
  return {
    name: `RepetitionPenalty(value=${value})`,
    explain: () =>
      `tokens already seen become ${change} likely (penalty ${shortNumber(value)})`,
    apply: (logits, seen) => {
      const penalized = logits.slice();
      for (let i = 0; i < seen.length; i++) {
        const logit = logits[seen[i]];
        penalized[seen[i]] = logit > 0 ? logit / f32(value) : logit * f32(value);
      }
      return penalized;
    },
  };
}

function keepOnly(logits, ids) {
  const kept = logits.map(() => -Infinity);
  for (const id of ids) kept[id] = logits[id];
  return kept;
}

/** 0.125 -> "12%": a half goes to the even side, as in Python. */
function percent(p) {
  const value = 100 * p, below = Math.floor(value);
  const up = value - below > 0.5 || (value - below === 0.5 && below % 2 === 1);
  return `${up ? below + 1 : below}%`;
}

/** Applies the rules in order, then draws. A sampler is also a sequence of chances. */
export class Sampler {
  /** @param {LogitsRule[]} rules @param {number} seed */
  constructor(rules, seed) {
    this.rules = rules;
    this.random = new Mulberry32(seed);
  }

  /**
   * The usual knobs, by Python's names, applied in this order: repetition penalty,
   * temperature, top-k, top-p, min-p. Temperature 0 is greedy; values that change
   * nothing add no rule. Chance must have a seed, so that a page can show it.
   * @param {{temperature?: number, top_k?: number | null, top_p?: number | null,
   *   min_p?: number | null, repetition_penalty?: number | null, seed?: number}} knobs
   */
  static of({
    temperature = 1, top_k = null, top_p = null, min_p = null,
    repetition_penalty = null, seed = 0,
  } = {}) {
    const before = [1, null].includes(repetition_penalty)
      ? []
      : [repetitionRule(repetition_penalty)];
    const rules = [];
    if (![0, 1].includes(temperature)) rules.push(temperatureRule(temperature));
    if (top_k !== null) rules.push(topKRule(top_k));
    if (top_p !== null && top_p !== 1) rules.push(topPRule(top_p));
    if (min_p !== null && min_p !== 0) rules.push(minPRule(min_p));
    // Greedy needs none of the others: the best token survives them all.
    const after = temperature === 0 ? [greedyRule()] : rules;
    return new Sampler([...before, ...after], seed);
  }

  /** The seed of the draws. @returns {number} */
  get seed() {
    return this.random.seed;
  }

  /** Whether a rule leaves nothing to chance. @returns {boolean} */
  get greedy() {
    return this.rules.some((rule) => rule.name === GREEDY);
  }

  /**
   * The model's probabilities, then what each rule leaves of them.
   * @param {Float32Array} logits @param {ArrayLike<number>} [seen]
   * @returns {{name: string, probs: Float32Array}[]}
   */
  stages(logits, seen = []) {
    const stages = [{ name: "model", probs: softmaxOf(logits) }];
    for (const rule of this.rules) {
      logits = rule.apply(logits, seen);
      stages.push({ name: rule.name, probs: softmaxOf(logits) });
    }
    return stages;
  }

  /** What is drawn from: the probabilities after all rules. */
  probs(logits, seen = []) {
    return softmaxOf(this.#allowed(logits, seen));
  }

  /** One id; each call that is not greedy takes the next random number. */
  choose(logits, seen = []) {
    if (logits.some(Number.isNaN)) return drawId(logits, 0); // which says why it cannot
    const allowed = this.#allowed(logits, seen);
    if (this.greedy && allowed.some(Number.isFinite)) return ranked(allowed)[0];
    return drawId(softmaxOf(allowed), this.random.uniform());
  }

  #allowed(logits, seen) {
    return this.rules.reduce((left, rule) => rule.apply(left, seen), logits);
  }
}
