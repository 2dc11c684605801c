/**
 * Numbers as a figure writes them: fixed digits, a true minus, no false zeros.
 *
 *     showNumber(-1.204, 2)      // "−1.20"
 *     showShare(0.0004)          // "<0.01"
 *     showCount(4000)            // "4,000"
 */

/** A number with fixed digits. @param {number} value @param {number} [digits] */
export function showNumber(value, digits = 2) {
  if (Number.isNaN(value)) return "NaN";
  const sign = value < 0 ? "\u2212" : "";
  if (Math.abs(value) === Infinity) return `${sign}\u221e`;
  const size = Math.abs(value);
  const text = size >= 1e5 ? size.toExponential(1) : size.toFixed(digits);
  const zero = Number(text) === 0;
  return (zero ? "" : sign) + text.replace("e+", "e");
}

/** A share of 1; what is too small for the digits is said to be below them. */
export function showShare(value, digits = 2) {
  if (!Number.isFinite(value)) return showNumber(value, digits);
  const least = 10 ** -digits;
  if (value > 0 && value < least / 2) return `<${least.toFixed(digits)}`;
  return showNumber(value, digits);
}

/** A share as a percentage. @param {number} value */
export function showPercent(value) {
  if (!Number.isFinite(value)) return showNumber(value);
  if (value > 0 && value < 0.005) return "<1\u202f%";
  return `${Math.round(100 * value)}\u202f%`;
}

/** A whole number in groups of three. @param {number} value */
export function showCount(value) {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A number with three digits that count: for numbers of any size. */
export function showLoosely(value) {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || size < 0.001 || size >= 1e6)
    return showNumber(value, 3);
  const digits = Math.max(0, 2 - Math.floor(Math.log10(size)));
  const text = showNumber(digits > 0 ? value : Number(value.toPrecision(3)), digits);
  return size >= 1000 ? text.replace(/\B(?=(\d{3})+$)/g, ",") : text;
}
