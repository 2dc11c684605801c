/**
 * Four masks on the same scores, and what each lets through.
 *
 *     maskedPattern(scores, tokens, "causal");           // [T, T] shares
 *     moves(before, after);                              // how far each row of z went
 *
 * Shapes: scores [T, T], query before key; values one vector per token.
 */

/** The masks: which may be seen, and whether it is said before the softmax or after. */
export const MASKS = [
  { kind: "none", name: "No mask", seen: () => true, after: false },
  {
    kind: "causal",
    name: "Causal, before the softmax",
    seen: (row, column) => column <= row,
    after: false,
  },
  {
    kind: "after",
    name: "Causal, after the softmax",
    seen: (row, column) => column <= row,
    after: true,
  },
  {
    kind: "transposed",
    name: "Transposed",
    seen: (row, column) => column >= row,
    after: false,
  },
];

/** @param {string} kind @returns {typeof MASKS[0]} */
export function maskCalled(kind) {
  const found = MASKS.find((mask) => mask.kind === kind);
  if (found === undefined) {
    throw new Error(
      `no mask "${kind}": use ${MASKS.map((mask) => mask.kind).join(", ")}`,
    );
  }
  return found;
}

/**
 * The pattern under a mask. Before the softmax, masked scores are minus infinity and
 * the rest shares 1; after it, their shares are set to 0 and missing in the sum.
 * @param {ArrayLike<number>} scores @param {number} tokens @param {string} kind
 * @returns {Float64Array}
 */
export function maskedPattern(scores, tokens, kind) {
  const { seen, after } = maskCalled(kind);
  const pattern = new Float64Array(tokens * tokens);
  for (let row = 0; row < tokens; row++) {
    const counts = (column) => after || seen(row, column);
    let largest = -Infinity,
      sum = 0;
    for (let c = 0; c < tokens; c++) {
      if (counts(c)) largest = Math.max(largest, scores[row * tokens + c]);
    }
    for (let c = 0; c < tokens; c++) {
      if (counts(c)) sum += Math.exp(scores[row * tokens + c] - largest);
    }
    for (let c = 0; c < tokens; c++) {
      if (!seen(row, c)) continue;
      pattern[row * tokens + c] = Math.exp(scores[row * tokens + c] - largest) / sum;
    }
  }
  return pattern;
}

/** What each row adds up to. @returns {number[]} */
export function rowSums(pattern, tokens) {
  return Array.from({ length: tokens }, (_, row) => {
    let sum = 0;
    for (let c = 0; c < tokens; c++) sum += pattern[row * tokens + c];
    return sum;
  });
}

/** z: for each row, the values averaged with its shares. @returns {Float64Array[]} */
export function averages(pattern, values) {
  const tokens = values.length,
    size = values[0].length;
  return values.map((_, row) => {
    const z = new Float64Array(size);
    for (let c = 0; c < tokens; c++) {
      const share = pattern[row * tokens + c];
      if (share === 0) continue;
      for (let i = 0; i < size; i++) z[i] += share * values[c][i];
    }
    return z;
  });
}

/** The length of the way each row went. @returns {number[]} */
export function moves(before, after) {
  return before.map((z, row) => {
    let squares = 0;
    for (let i = 0; i < z.length; i++) squares += (after[row][i] - z[i]) ** 2;
    return Math.sqrt(squares);
  });
}

/**
 * The leak test: z of the same head over two texts that differ in their last token.
 * A row before the last should not move; `leaks` counts those that do by more than
 * rounding, a hundred-thousandth of the longest z.
 */
export function leakTest(before, after, kind) {
  const { tokens } = before;
  const first = averages(maskedPattern(before.scores, tokens, kind), before.v);
  const second = averages(maskedPattern(after.scores, tokens, kind), after.v);
  const moved = moves(first, second);
  const longest = Math.max(...first.map((z) => Math.hypot(...z)), 1e-30);
  const rounding = 1e-5 * longest;
  const leaks = moved.slice(0, -1).filter((distance) => distance > rounding).length;
  return { moved, leaks, rounding };
}
