/**
 * The two circuits of one head, from its weights alone: where it would look (QK) and
 * what it would write (OV), for a token that stands alone with its embedding.
 *
 *     const circuit = new Circuit(weights, config, layer, head);
 *     circuit.score(asking, answering, distance);     // before the mask
 *     circuit.written(id);                            // [V]: what reading it adds
 *
 * The stream that a deeper layer really reads holds more than the embedding, so this is
 * the head's bias, not its behaviour on a text.
 *
 * Source: Elhage and others 2021, "A Mathematical Framework for Transformer Circuits".
 */

/** The names of the weights it needs, as in the model's state. @returns {string[]} */
export function circuitWeights(config, layer) {
  const path = `blocks.${layer}.`;
  const names = ["query", "key", "value", "out"].flatMap((part) => [
    `${path}attn.${part}.weight`,
    ...(hasBias(config) ? [`${path}attn.${part}.bias`] : []),
  ]);
  const norms = [];
  if (config.norm_gain) {
    const biased = config.norm === "layer" && config.bias;
    if (config.norm_position === "pre") {
      norms.push(`${path}norm1.weight`, ...(biased ? [`${path}norm1.bias`] : []));
    }
    if (config.final_norm) norms.push("norm_final.weight");
  }
  const head = config.tie_weights ? [] : ["head.weight"];
  return ["token_embedding.weight", ...head, ...norms, ...names];
}

/** Why a model of this shape has no such circuit, or "". @returns {string} */
export function circuitObstacle(config) {
  if (!config.attn_output)
    return "This model has no output projection, so a head has no OV circuit.";
  if (config.qk_norm)
    return "This model normalises queries and keys: its QK circuit is no fixed matrix.";
  return "";
}

function hasBias(config) {
  return config.attn_bias ?? config.bias;
}

/** One head's circuits. */
export class Circuit {
  /**
   * @param {Record<string, {data: Float32Array, shape: number[]}>} weights by name
   * @param {any} config @param {number} layer @param {number} head
   */
  constructor(weights, config, layer, head) {
    const { n_embd, n_head } = config;
    const size = config.head_dim ?? n_embd / n_head;
    const shared = Math.floor((head * (config.n_kv_head ?? n_head)) / n_head);
    const path = `blocks.${layer}.attn.`;
    const rows = (part, from) => ({
      weight: weights[`${path}${part}.weight`].data.subarray(
        from * size * n_embd,
        (from + 1) * size * n_embd,
      ),
      bias: weights[`${path}${part}.bias`]?.data.subarray(
        from * size,
        (from + 1) * size,
      ),
    });
    this.config = config;
    this.size = size;
    this.start = head * size; // of this head's columns in the output matrix
    this.query = rows("query", head);
    this.key = rows("key", shared);
    this.value = rows("value", shared);
    this.out = weights[`${path}out.weight`].data; // [C, H * D]
    this.embedding = weights["token_embedding.weight"].data; // [V, C]
    this.unembedding = (
      weights["head.weight"] ?? weights["token_embedding.weight"]
    ).data;
    this.gain = weights[`blocks.${layer}.norm1.weight`]?.data;
    this.bias = weights[`blocks.${layer}.norm1.bias`]?.data;
    this.lastGain = weights["norm_final.weight"]?.data;
  }

  /** What the head reads of a token that stands alone, [C]. @param {number} id */
  read(id) {
    const { n_embd, norm, norm_eps, norm_position } = this.config;
    const x = Float64Array.from(
      this.embedding.subarray(id * n_embd, (id + 1) * n_embd),
    );
    if (norm_position !== "pre") return x;
    const mean = norm === "layer" ? meanOf(x) : 0;
    const squares = x.reduce((sum, part) => sum + (part - mean) ** 2, 0);
    const scale = Math.sqrt(squares / n_embd + norm_eps);
    return x.map(
      (part, i) =>
        ((part - mean) / scale) * (this.gain?.[i] ?? 1) + (this.bias?.[i] ?? 0),
    );
  }

  /** The score of a query for a key that stands `distance` tokens before it. */
  score(asking, answering, distance) {
    const q = applied(this.query, this.read(asking), this.size);
    const k = applied(this.key, this.read(answering), this.size);
    if (this.config.position === "rope") turn(q, distance, this.config.rope_base);
    return q.reduce((sum, part, i) => sum + part * k[i], 0) / Math.sqrt(this.size);
  }

  /** What a head that reads only this vector adds to the stream, [C]. */
  write(read) {
    const v = applied({ weight: this.value.weight, bias: undefined }, read, this.size);
    const width = this.out.length / this.config.n_embd; // H * D
    return Float64Array.from({ length: this.config.n_embd }, (_, i) => {
      let sum = 0;
      for (let d = 0; d < this.size; d++)
        sum += this.out[i * width + this.start + d] * v[d];
      return sum;
    });
  }

  /** The push that reading this token gives every token of the vocabulary, [V]. */
  written(id) {
    const { n_embd, vocab_size, norm, final_norm } = this.config;
    const added = this.write(this.read(id));
    const mean = final_norm && norm === "layer" ? meanOf(added) : 0;
    const push = added.map((part, i) => (part - mean) * (this.lastGain?.[i] ?? 1));
    return Float64Array.from({ length: vocab_size }, (_, token) => {
      let sum = 0;
      for (let i = 0; i < n_embd; i++)
        sum += push[i] * this.unembedding[token * n_embd + i];
      return sum;
    });
  }
}

function meanOf(x) {
  return x.reduce((sum, part) => sum + part, 0) / x.length;
}

/** W x + b for one head, [D]. */
function applied({ weight, bias }, x, size) {
  return Float64Array.from({ length: size }, (_, d) => {
    let sum = bias?.[d] ?? 0;
    for (let i = 0; i < x.length; i++) sum += weight[d * x.length + i] * x[i];
    return sum;
  });
}

/** Turns a query ahead of a key by `distance` positions, pairs (i, i + D/2). */
function turn(q, distance, base) {
  const half = q.length / 2;
  for (let i = 0; i < half; i++) {
    const angle = distance * base ** ((-2 * i) / q.length);
    const a = q[i],
      b = q[half + i];
    q[i] = a * Math.cos(angle) - b * Math.sin(angle);
    q[half + i] = a * Math.sin(angle) + b * Math.cos(angle);
  }
}

/** Each different token once, in the order of the text. */
export function distinctPieces(pieces) {
  const seen = new Set();
  return pieces.filter(({ id }) => !seen.has(id) && seen.add(id));
}

/** How much more a token is pushed than the average one, in standard deviations. */
export function standardised(values) {
  const mean = meanOf(values);
  const spread = Math.sqrt(
    values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length,
  );
  return values.map((value) => (spread > 0 ? (value - mean) / spread : 0));
}
