/**
 * The one source of chance: the numbers of minigpt_edu/inference/rng.py, bit by bit.
 *
 *     const random = new Mulberry32(7);
 *     random.uniform();                                   // 0.0117..., everywhere
 *     drawId(Float32Array.of(0.2, 0.5, 0.3), random.uniform());
 *
 * The generator is Tommy Ettinger's mulberry32 (2017, public domain).
 */

const SEED_LIMIT = 2 ** 32;

/** Uniform numbers in [0, 1) from a 32-bit seed. */
export class Mulberry32 {
  /** @param {number} seed */
  constructor(seed) {
    if (!(Number.isInteger(seed) && seed >= 0 && seed < SEED_LIMIT)) {
      throw new Error(
        `seed=${seed} must be a whole number between 0 and ${SEED_LIMIT - 1}: the ` +
          "generator has 32 bits",
      );
    }
    this.seed = seed;
    this.state = seed | 0;
  }

  /** The next number: one of the 2**32 multiples of 2**-32 in [0, 1). */
  uniform() {
    const state = (this.state + 0x6d2b79f5) | 0;
    this.state = state;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / SEED_LIMIT;
  }
}

/**
 * Chooses an id with probability `probs[id]`; `u` in [0, 1) decides which: the ids lie
 * side by side on a line, each as long as its probability, and `u` says where the pin
 * falls. Throws if no id has any probability.
 * @param {Float32Array} probs @param {number} u @returns {number}
 */
export function drawId(probs, u) {
  let total = 0;
  for (let id = 0; id < probs.length; id++) total += probs[id];
  if (!(Number.isFinite(total) && total > 0)) {
    throw new Error(
      `the ${probs.length} probabilities add up to ${total}, not to 1: the logits ` +
        "hold NaN or infinity (training diverged?), so use an earlier checkpoint",
    );
  }
  const pin = u * total;
  let sum = 0, id = 0;
  for (; id < probs.length - 1; id++) {
    sum += probs[id];
    if (sum > pin) break;
  }
  return id;
}
