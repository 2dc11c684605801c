/**
 * Vectors out of what a run kept, and what can be said of one.
 *
 *     const x = vectorAt(arrays["blocks.0.resid_post"], 0, position);   // [C]
 *     vectorLength(x);
 *
 * Shapes: a tensor is {data, shape}, the batch of one first, the vector last.
 */

/**
 * The numbers on the last axis, at a place on all the others; not copied.
 * @param {import("../core/tensor.js").Tensor} tensor @param {...number} index
 * @returns {Float32Array}
 */
export function vectorAt({ data, shape }, ...index) {
  const size = shape[shape.length - 1];
  let row = 0;
  if (index.length !== shape.length - 1) {
    throw new Error(`${index.length} indices before the last of ${shape.length} axes`);
  }
  index.forEach((place, axis) => {
    if (!(place >= 0 && place < shape[axis])) {
      const axes = shape.join(", ");
      throw new Error(`index ${place} is outside axis ${axis} of [${axes}]`);
    }
    row = row * shape[axis] + place;
  });
  return data.subarray(row * size, (row + 1) * size);
}

/** Its Euclidean length. @param {ArrayLike<number>} vector @returns {number} */
export function vectorLength(vector) {
  let squares = 0;
  for (let i = 0; i < vector.length; i++) squares += vector[i] * vector[i];
  return Math.sqrt(squares);
}

/** The largest of its numbers, sign apart. @param {ArrayLike<number>} vector */
export function largestSize(vector) {
  let size = 0;
  for (let i = 0; i < vector.length; i++) size = Math.max(size, Math.abs(vector[i]));
  return size;
}

/**
 * The places of the `count` largest numbers, the largest first; with `signless`, the
 * farthest from zero. Of equal ones the lower place.
 * @param {ArrayLike<number>} vector @param {number} count @returns {number[]}
 */
export function topPlaces(vector, count, signless = false) {
  const score = (i) => (signless ? Math.abs(vector[i]) : vector[i]);
  const places = Array.from({ length: vector.length }, (_, i) => i);
  return places.sort((a, b) => score(b) - score(a) || a - b).slice(0, count);
}
