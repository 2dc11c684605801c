/**
 * The softmax of one row, step by step, in full precision and in float16.
 *
 *     softmaxRow([2.1, 0.3], { temperature: 1, stable: true, half: false });
 *     effectiveChoices(shares);            // 2 ** entropy, in bits
 *     toHalf(70000);                       // Infinity: float16 ends at 65,504
 */

/** The largest number that float16 can hold. */
export const HALF_MAX = 65504;

/** A number rounded to float16, ties to even. @param {number} value */
export function toHalf(value) {
  const size = Math.abs(value);
  if (!(size > 0) || size === Infinity) return value; // zeros, infinities, NaN
  // Ten bits after the leading one; below 2 ** -14 the steps stay at 2 ** -24.
  const exponent = Math.max(exponentOf(size), -14);
  const step = 2 ** (exponent - 10);
  const rounded = roundToEven(size / step) * step;
  return Math.sign(value) * (rounded > HALF_MAX ? Infinity : rounded);
}

/** The power of two below: exact, unlike the logarithm. */
function exponentOf(size) {
  let exponent = Math.floor(Math.log2(size));
  if (2 ** exponent > size) exponent -= 1;
  if (2 ** (exponent + 1) <= size) exponent += 1;
  return exponent;
}

function roundToEven(value) {
  const below = Math.floor(value);
  const rest = value - below;
  return below + (rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? 1 : 0);
}

/**
 * Scores divided by the temperature, their exponentials, the sum, and the shares.
 * `stable` subtracts the largest first; `half` rounds every step to float16.
 * @param {ArrayLike<number>} scores
 * @param {{temperature?: number, stable?: boolean, half?: boolean}} [options]
 */
export function softmaxRow(
  scores,
  { temperature = 1, stable = true, half = false } = {},
) {
  const keep = half ? toHalf : (value) => value;
  const scaled = Array.from(scores, (score) => keep(keep(score) / temperature));
  const shift = stable ? Math.max(...scaled) : 0;
  const shifted = scaled.map((score) => keep(score - shift));
  const powers = shifted.map((score) => keep(Math.exp(score)));
  let sum = 0;
  for (const power of powers) sum = keep(sum + power);
  const shares = powers.map((power) => keep(power / sum));
  return { scaled, shift, shifted, powers, sum, shares };
}

/** Entropy in bits: how undecided the shares are. NaN if they are no shares. */
export function entropyBits(shares) {
  let bits = 0;
  for (const share of shares) if (share !== 0) bits -= share * Math.log2(share);
  return bits + 0; // no minus zero
}

/** Among how many equal choices one would be as undecided. */
export function effectiveChoices(shares) {
  return 2 ** entropyBits(shares);
}
