/**
 * A lookup that answers with an average: every note counts, the nearer the more.
 *
 *     const { weights, answer } = softLookup(NOTES, 10.5, 1.2);
 *
 * The score of a note is minus half its squared distance from the question, in widths;
 * a softmax makes weights of the scores. Nadaraya 1964; Watson 1964.
 */

import { softmaxOf } from "../core/sampling.js";

/** Illustrative: boats counted in a harbour, by the hour. @type {[number, number][]} */
export const NOTES = [
  [5, 18], [6, 17], [7, 12], [8, 9], [9.5, 6], [11, 5],
  [12, 7], [14, 6], [15.5, 8], [17, 13], [19, 17], [21, 19],
];

/**
 * @param {[number, number][]} notes key and value @param {number} query
 * @param {number} width how far a note is still near
 */
export function softLookup(notes, query, width) {
  const scores = notes.map(([key]) => -0.5 * ((query - key) / width) ** 2);
  const weights = [...softmaxOf(Float32Array.from(scores))];
  const answer = notes.reduce((sum, [, value], i) => sum + weights[i] * value, 0);
  return { scores, weights, answer };
}

/** Places of the heaviest notes, heaviest first; of equal ones the earlier. */
export function heaviest(weights, count) {
  const places = weights.map((_, i) => i);
  return places.sort((a, b) => weights[b] - weights[a] || a - b).slice(0, count);
}
