/**
 * Normalisation: give every vector a comparable size before it is read.
 *
 * Sources: LayerNorm arXiv:1607.06450; RMSNorm arXiv:1910.07467.
 */

/** LayerNorm ("layer") or RMSNorm ("rms") over vectors of `size` numbers. */
export class Norm {
  /**
   * @param {"layer" | "rms"} kind
   * @param {{size: number, eps: number, gain: boolean, bias: boolean}} form
   * @param {{take: (name: string, shape: number[]) => Float32Array}} table
   * @param {string} path "blocks.0.norm1."
   */
  constructor(kind, { size, eps, gain, bias }, table, path) {
    this.centred = kind === "layer";
    this.size = size;
    this.eps = eps;
    this.path = path;
    this.gain = gain ? table.take(`${path}weight`, [size]) : null;
    this.bias = this.centred && gain && bias ? table.take(`${path}bias`, [size]) : null;
  }

  /**
   * x [tokens, size] -> y, which may be x; with `heads`, [tokens, heads, size].
   * @param {Float32Array} x @param {Float32Array} y
   * @param {import("./pass.js").Pass} pass
   */
  apply(x, y, tokens, pass, heads = 0) {
    const { size, path } = this;
    const rows = tokens * (heads || 1);
    const scale = pass.take("scale", rows);
    this.#measure(x, y, scale, rows);
    pass.show(path, "scale", scale, heads, 1);
    for (let r = 0, at = 0; r < rows; r++) {
      for (let i = 0; i < size; i++, at++) y[at] /= scale[r];
    }
    pass.show(path, "normalized", y, heads, size);
    this.#learned(y, rows);
    pass.show(path, "out", y, heads, size);
  }

  /** Copies x to y (less its mean, in a LayerNorm) and finds what y is divided by. */
  #measure(x, y, scale, rows) {
    const { size, centred, eps } = this;
    for (let r = 0; r < rows; r++) {
      const at = r * size;
      let mean = 0, squares = 0;
      if (centred) {
        for (let i = at; i < at + size; i++) mean += x[i];
        mean /= size;
      }
      for (let i = at; i < at + size; i++) {
        const value = x[i] - mean;
        y[i] = value;
        squares += value * value;
      }
      scale[r] = Math.sqrt(squares / size + eps);
    }
  }

  #learned(y, rows) {
    const { size, gain, bias } = this;
    if (gain === null) return;
    for (let r = 0, at = 0; r < rows; r++) {
      for (let i = 0; i < size; i++, at++) y[at] *= gain[i];
    }
    if (bias === null) return;
    for (let r = 0, at = 0; r < rows; r++) {
      for (let i = 0; i < size; i++, at++) y[at] += bias[i];
    }
  }
}

/** The norm a config asks for over the residual stream. */
export function takeNorm(config, table, path) {
  const { norm, n_embd, norm_eps, norm_gain, bias } = config;
  return new Norm(
    norm,
    { size: n_embd, eps: norm_eps, gain: norm_gain, bias },
    table,
    path,
  );
}

/** The norm over one head's queries or keys: always RMSNorm, always with a gain. */
export function takeHeadNorm(config, table, path) {
  const { head_size: size, norm_eps: eps } = config;
  return new Norm("rms", { size, eps, gain: true, bias: false }, table, path);
}
