/** A change as a figure writes it: with its sign, unless it is shown as zero. */

import { showNumber } from "../ui/format.js";

/** @param {number} value @param {number} [digits] @returns {string} */
export function showSigned(value, digits = 2) {
  const text = showNumber(value, digits);
  return value > 0 && Number(text) !== 0 ? `+${text}` : text;
}
