/**
 * The arithmetic of a Transformer in plain loops: products, sums, bends, softmax.
 *
 * Numbers are stored as float32 and summed in double precision, always in the order of
 * the index. So a result does not depend on how many rows are computed at once: a token
 * read alone and the same token in a crowd get the same bits.
 *
 *     matVec(weight, 0, size, rows, size, x, 0, y, 0)     // y = weight x
 *
 * Shapes: a matrix is row by row, as torch stores `nn.Linear`: [outputs, inputs].
 */

/**
 * y[to + r] = sum over i of w[from + r * stride + i] * x[at + i], for `rows` rows.
 *
 * Four rows share each number of x, and their four sums do not wait for one another:
 * about four times as fast as one sum after the other.
 * @param {Float32Array} w @param {number} from @param {number} stride
 * @param {number} rows @param {number} size
 * @param {Float32Array} x @param {number} at @param {Float32Array} y @param {number} to
 */
export function matVec(w, from, stride, rows, size, x, at, y, to) {
  let r = 0;
  for (; r + 4 <= rows; r += 4) {
    const p = from + r * stride, q = p + stride, u = q + stride, v = u + stride;
    let a = 0, b = 0, c = 0, d = 0, i = 0;
    for (; i + 2 <= size; i += 2) {
      const first = x[at + i], second = x[at + i + 1];
      a += w[p + i] * first;
      b += w[q + i] * first;
      c += w[u + i] * first;
      d += w[v + i] * first;
      a += w[p + i + 1] * second;
      b += w[q + i + 1] * second;
      c += w[u + i + 1] * second;
      d += w[v + i + 1] * second;
    }
    if (i < size) {
      const last = x[at + i];
      a += w[p + i] * last;
      b += w[q + i] * last;
      c += w[u + i] * last;
      d += w[v + i] * last;
    }
    y[to + r] = a;
    y[to + r + 1] = b;
    y[to + r + 2] = c;
    y[to + r + 3] = d;
  }
  for (; r < rows; r++) {
    const p = from + r * stride;
    let sum = 0;
    for (let i = 0; i < size; i++) sum += w[p + i] * x[at + i];
    y[to + r] = sum;
  }
}

/** The same for two vectors of x side by side: each weight is fetched once for both. */
function matVecPair(w, rows, size, x, at, y, to) {
  const next = at + size, beside = to + rows;
  let r = 0;
  for (; r + 4 <= rows; r += 4) {
    const p = r * size, q = p + size, u = q + size, v = u + size;
    let a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
    for (let i = 0; i < size; i++) {
      const here = x[at + i], there = x[next + i];
      const wp = w[p + i], wq = w[q + i], wu = w[u + i], wv = w[v + i];
      a += wp * here;
      b += wq * here;
      c += wu * here;
      d += wv * here;
      e += wp * there;
      f += wq * there;
      g += wu * there;
      h += wv * there;
    }
    y[to + r] = a;
    y[to + r + 1] = b;
    y[to + r + 2] = c;
    y[to + r + 3] = d;
    y[beside + r] = e;
    y[beside + r + 1] = f;
    y[beside + r + 2] = g;
    y[beside + r + 3] = h;
  }
  if (r < rows) {
    matVec(w, r * size, size, rows - r, size, x, at, y, to + r);
    matVec(w, r * size, size, rows - r, size, x, next, y, beside + r);
  }
}

/** A matrix with or without a bias, applied to each of several vectors. */
export class Linear {
  /**
   * @param {Float32Array} weight [outputs, inputs]
   * @param {Float32Array | null} bias @param {number} outputs @param {number} inputs
   */
  constructor(weight, bias, outputs, inputs) {
    this.weight = weight;
    this.bias = bias;
    this.outputs = outputs;
    this.inputs = inputs;
  }

  /** x [tokens, inputs] -> y [tokens, outputs]. */
  apply(x, y, tokens) {
    const { weight, bias, outputs, inputs } = this;
    let t = 0;
    for (; t + 2 <= tokens; t += 2) {
      matVecPair(weight, outputs, inputs, x, t * inputs, y, t * outputs);
    }
    if (t < tokens) {
      matVec(weight, 0, inputs, outputs, inputs, x, t * inputs, y, t * outputs);
    }
    if (bias !== null) addBias(y, bias, tokens);
  }
}

/** Adds one vector to each of several. */
export function addBias(y, bias, tokens) {
  const size = bias.length;
  for (let t = 0, at = 0; t < tokens; t++) {
    for (let i = 0; i < size; i++, at++) y[at] += bias[i];
  }
}

/** y[i] = a[i] + b[i]; y may be a or b. */
export function addInto(y, a, b, size) {
  for (let i = 0; i < size; i++) y[i] = a[i] + b[i];
}

/**
 * Softmax of `size` numbers from `at` on, in their place. The largest is subtracted
 * first: the result is the same, and no exponential overflows.
 */
export function softmaxInPlace(x, at, size) {
  let best = -Infinity;
  for (let i = at; i < at + size; i++) if (x[i] > best) best = x[i];
  let total = 0;
  for (let i = at; i < at + size; i++) {
    x[i] = Math.exp(x[i] - best);
    total += x[i];
  }
  for (let i = at; i < at + size; i++) x[i] /= total;
}

/** log of the sum of exp(x), for `size` numbers from `at` on, without overflow. */
export function logSumExp(x, at, size) {
  let best = -Infinity;
  for (let i = at; i < at + size; i++) if (x[i] > best) best = x[i];
  let total = 0;
  for (let i = at; i < at + size; i++) total += Math.exp(x[i] - best);
  return best + Math.log(total);
}

/** Squashes each number smoothly into (-cap, cap). Gemma 2, arXiv:2408.00118. */
export function softcapInPlace(x, cap, size) {
  for (let i = 0; i < size; i++) x[i] = cap * Math.tanh(x[i] / cap);
}

const ROOT_2_OVER_PI = Math.sqrt(2 / Math.PI);

/**
 * The non-linearity by name, y = f(x); for swiglu the one of its gate.
 * @param {"gelu" | "relu" | "relu2" | "swiglu"} kind
 */
export function activateInto(kind, x, y, size) {
  if (kind === "gelu") {
    // the tanh form, as GPT-2 has it
    for (let i = 0; i < size; i++) {
      const v = x[i];
      y[i] = 0.5 * v * (1 + Math.tanh(ROOT_2_OVER_PI * (v + 0.044715 * v * v * v)));
    }
  } else if (kind === "swiglu") {
    for (let i = 0; i < size; i++) y[i] = x[i] / (1 + Math.exp(-x[i]));
  } else if (kind === "relu") {
    for (let i = 0; i < size; i++) y[i] = x[i] > 0 ? x[i] : 0;
  } else if (kind === "relu2") {
    for (let i = 0; i < size; i++) y[i] = x[i] > 0 ? x[i] * x[i] : 0;
  } else {
    throw new Error(`unknown activation "${kind}": use gelu, relu, relu2 or swiglu`);
  }
}
