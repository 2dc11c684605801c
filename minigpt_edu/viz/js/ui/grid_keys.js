/**
 * Where the keys take the cursor of a grid.
 *
 *     movedBy("ArrowDown", [0, 3], 9, 9)       // [1, 3]
 *     movedBy("x", [0, 3], 9, 9)               // null: no key of the grid
 */

const ARROWS = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/**
 * The next place, or null; nothing leaves the grid.
 * @param {string} key @param {number[]} at @param {number} rows @param {number} columns
 * @returns {number[] | null}
 */
export function movedBy(key, [row, column], rows, columns) {
  if (key === "Home") return [row, 0];
  if (key === "End") return [row, columns - 1];
  if (!(key in ARROWS)) return null;
  const [down, right] = ARROWS[key];
  return [heldIn(row + down, rows), heldIn(column + right, columns)];
}

/** The nearest index that exists. @param {number} index @param {number} count */
export function heldIn(index, count) {
  return Math.max(0, Math.min(count - 1, index));
}
