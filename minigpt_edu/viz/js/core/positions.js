/**
 * Where a token stands: the sinusoidal table, and the rotation of queries and keys.
 *
 * Angles are rounded to float32 step by step, as torch computes them: at position 255
 * the rounding of a speed is worth a difference in the fifth decimal.
 *
 * Sources: sinusoidal arXiv:1706.03762; RoPE arXiv:2104.09864.
 */

/** Angle of each position for each pair, fast clocks first: [positions, pairs]. */
function clockAngles(positions, size, base) {
  const pairs = Math.ceil(size / 2);
  const angles = new Float32Array(positions * pairs);
  for (let i = 0; i < pairs; i++) {
    const speed = Math.fround(base ** Math.fround((-2 * i) / size));
    for (let t = 0; t < positions; t++) angles[t * pairs + i] = t * speed;
  }
  return angles;
}

/**
 * Sines in the even columns, cosines in the odd ones: [block_size, n_embd].
 * @param {number} positions @param {number} size @returns {Float32Array}
 */
export function sinusoidalTable(positions, size) {
  const pairs = Math.ceil(size / 2);
  const angles = clockAngles(positions, size, 10_000);
  const table = new Float32Array(positions * size);
  for (let t = 0; t < positions; t++) {
    for (let i = 0; i < size; i++) {
      const angle = angles[t * pairs + (i >> 1)];
      table[t * size + i] = i % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
    }
  }
  return table;
}

/** The cosines and sines of every position, computed once. */
export class Rotary {
  /** @param {import("./config.js").GPTConfig} config */
  constructor(config) {
    const angles = clockAngles(config.block_size, config.head_size, config.rope_base);
    this.half = config.head_size / 2;
    this.cos = angles.map(Math.cos); // [block_size, half]
    this.sin = angles.map(Math.sin);
  }

  /**
   * Turns each pair (x[i], x[i + D/2]) of every head by its angle, in place.
   * @param {Float32Array} x [tokens, heads, D], the first token at position `start`
   */
  rotate(x, tokens, heads, start) {
    const { half, cos, sin } = this;
    for (let t = 0, at = 0; t < tokens; t++) {
      const angle = (start + t) * half;
      for (let h = 0; h < heads; h++, at += 2 * half) {
        for (let i = 0; i < half; i++) {
          const a = x[at + i], b = x[at + half + i];
          x[at + i] = a * cos[angle + i] - b * sin[angle + i];
          x[at + half + i] = a * sin[angle + i] + b * cos[angle + i];
        }
      }
    }
  }
}
