/**
 * Numbers with a shape, laid out as torch does: float32, the last axis fastest.
 *
 *     const x = makeTensor(Float32Array.of(1, 2, 3, 4), [2, 2]);
 *     tensorAt(x, 1, 0)                     // 3
 *
 * Axes have one order everywhere: [batch, head, position, ...]; the batch is 1.
 */

/** @typedef {{data: Float32Array, shape: number[]}} Tensor */

/** How many numbers a shape holds. @param {number[]} shape @returns {number} */
export function shapeSize(shape) {
  return shape.reduce((size, axis) => size * axis, 1);
}

/**
 * A tensor over `data`, which is not copied.
 * @param {Float32Array} data @param {number[]} shape @returns {Tensor}
 */
export function makeTensor(data, shape) {
  if (data.length !== shapeSize(shape)) {
    throw new Error(
      `${data.length} numbers do not fill the shape [${shape.join(", ")}], ` +
        `which holds ${shapeSize(shape)}`,
    );
  }
  return { data, shape: [...shape] };
}

/** A tensor of zeros. @param {number[]} shape @returns {Tensor} */
export function zeroTensor(shape) {
  return makeTensor(new Float32Array(shapeSize(shape)), shape);
}

/** @param {number[]} a @param {number[]} b @returns {boolean} */
export function sameShape(a, b) {
  return a.length === b.length && a.every((axis, i) => axis === b[i]);
}

/**
 * One number, by its place on every axis.
 * @param {Tensor} tensor @param {...number} index @returns {number}
 */
export function tensorAt({ data, shape }, ...index) {
  if (index.length !== shape.length) {
    throw new Error(
      `${index.length} indices for the ${shape.length} axes of [${shape.join(", ")}]`,
    );
  }
  let at = 0;
  shape.forEach((size, axis) => {
    if (!(index[axis] >= 0 && index[axis] < size)) {
      throw new Error(
        `index ${index[axis]} is outside axis ${axis} of [${shape.join(", ")}]`,
      );
    }
    at = at * size + index[axis];
  });
  return data[at];
}
