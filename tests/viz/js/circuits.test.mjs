/** A head's circuits from its weights, and its habits from its pattern. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { makeConfig } from "../../../minigpt_edu/viz/js/core/config.js";
import { GPT } from "../../../minigpt_edu/viz/js/core/model.js";
import { Mulberry32 } from "../../../minigpt_edu/viz/js/core/rng.js";
import { Circuit, circuitObstacle, circuitWeights, distinctPieces, standardised } from "../../../minigpt_edu/viz/js/views/circuits_math.js";
import { costWords, headCount, headsSentence } from "../../../minigpt_edu/viz/js/views/heads_text.js";
import { allHeads, chosenHead, clearHabit, habitsOf, mostMoved, silenced } from "../../../minigpt_edu/viz/js/views/heads_math.js";
import { randomIds } from "./models.mjs";

const SIZE = { vocab_size: 61, block_size: 40, n_layer: 2, n_head: 4, n_embd: 20 };
const MODERN = { position: "rope", norm: "rms", mlp: "swiglu", bias: false };
const PLAIN = { position: "none", norm: "layer", tie_weights: false };
const SHAPES = {
  modern: { ...MODERN, n_kv_head: 2, head_dim: 6 },
  shared: { ...MODERN, n_kv_head: 1, head_dim: 4, norm_gain: false },
  biased: PLAIN,
  plain: { ...PLAIN, bias: false },
};
const IDS = randomIds(8, 61);
const near = (a, b) => assert.ok(Math.abs(a - b) <= 1e-5, `${a} ${b}`);

/** A model, and what the method "weights" answers about it. */
function modelAndWeights(shape) {
  const random = new Mulberry32(5);
  const weights = {};
  const table = {
    count: 0,
    take(name, sizes) {
      const length = sizes.reduce((product, size) => product * size, 1);
      const data = Float32Array.from({ length }, () => random.uniform() - 0.4);
      weights[name] = { data, shape: sizes };
      return data;
    },
    finish() {},
  };
  return { model: new GPT(makeConfig({ ...SIZE, ...shape }), table), weights };
}

for (const [name, shape] of Object.entries(SHAPES)) {
  test(`in the first layer the circuits are what happens: ${name}`, () => {
    const { model, weights } = modelAndWeights(shape);
    const keep = ["blocks.0.attn.scores", "blocks.0.attn.pattern", "blocks.0.attn.head_out"];
    const { cache } = model.run(IDS, { keep });
    const [scores, pattern, out] = keep.map((hook) => cache.get(hook));
    const wanted = circuitWeights(model.config, 0);
    assert.deepEqual(wanted.filter((one) => !(one in weights)), []);
    const T = IDS.length, C = SIZE.n_embd;
    for (const head of [0, 1, 3]) {
      const circuit = new Circuit(weights, model.config, 0, head);
      const writes = IDS.map((id) => circuit.write(circuit.read(id)));
      const constant = biasWrite(weights, model.config, head);
      for (let t = 0; t < T; t++) {
        const sum = new Float64Array(C);
        for (let s = 0; s <= t; s++) {
          near(circuit.score(IDS[t], IDS[s], t - s), scores.data[(head * T + t) * T + s]);
          const share = pattern.data[(head * T + t) * T + s];
          writes[s].forEach((part, i) => (sum[i] += share * part));
        }
        sum.forEach((part, i) => near(part + constant[i], out.data[(head * T + t) * C + i]));
      }
    }
  });
}

/** What the values' bias adds whatever is read: shares sum to 1. */
function biasWrite(weights, config, head) {
  const size = config.head_size, width = config.n_head * size;
  const bias = weights["blocks.0.attn.value.bias"]?.data;
  const out = weights["blocks.0.attn.out.weight"].data;
  const shared = Math.floor((head * config.kv_heads) / config.n_head);
  return Array.from({ length: config.n_embd }, (_, i) => {
    let sum = 0;
    for (let d = 0; d < size; d++) sum += out[i * width + head * size + d] * (bias?.[shared * size + d] ?? 0);
    return sum;
  });
}

test("what is written is read with the model's own unembedding", () => {
  for (const shape of [SHAPES.modern, SHAPES.biased]) {
    const { model, weights } = modelAndWeights(shape);
    const circuit = new Circuit(weights, model.config, 0, 1);
    const added = circuit.write(circuit.read(7));
    // the norm divides by a number that is the same for every token: compare directions
    const logits = model.unembed({ data: Float32Array.from(added), shape: [1, 1, SIZE.n_embd] });
    const lastBias = weights["norm_final.bias"]?.data;
    const shift = (token) => !lastBias ? 0 : lastBias.reduce((sum, part, i) =>
      sum + part * (weights["head.weight"] ?? weights["token_embedding.weight"]).data[token * SIZE.n_embd + i], 0);
    const ours = circuit.written(7);
    const theirs = ours.map((_, token) => logits.data[token] - shift(token));
    const ratio = theirs[0] / ours[0];
    ours.forEach((push, token) => assert.ok(Math.abs(push * ratio - theirs[token]) < 1e-4));
  }
});

test("what has no such circuit says so", () => {
  assert.match(circuitObstacle(makeConfig({ ...SIZE, attn_output: false })), /OV/);
  assert.match(circuitObstacle(makeConfig({ ...SIZE, ...SHAPES.modern, qk_norm: true })), /QK/);
  assert.equal(circuitObstacle(makeConfig({ ...SIZE, ...SHAPES.modern })), "");
});

test("pieces once each, numbers in standard deviations", () => {
  const pieces = [{ id: 4, text: "a" }, { id: 5, text: "b" }, { id: 4, text: "a" }];
  assert.deepEqual(distinctPieces(pieces).map(({ id }) => id), [4, 5]);
  const z = standardised(Float64Array.from([1, 2, 3, 6]));
  near(z.reduce((sum, value) => sum + value, 0), 0);
  near(z.reduce((sum, value) => sum + value ** 2, 0) / 4, 1);
  assert.deepEqual([...standardised(Float64Array.from([2, 2]))], [0, 0]);
});

/** A pattern that reads one place; the rest is nothing. */
function pointing(T, where) {
  const pattern = new Float64Array(T * T);
  for (let t = 0; t < T; t++) pattern[t * T + Math.max(0, where(t))] = 1;
  return pattern;
}

test("each habit is recognised, and even reading is none", () => {
  const ids = [5, 6, 7, 5, 6, 7, 8];
  const T = ids.length;
  const twin = (t) => (t >= 3 && t < 6 ? t - 2 : t);
  const kinds = { previous: (t) => t - 1, self: (t) => t, first: () => 0 };
  for (const [habit, where] of Object.entries(kinds)) {
    assert.equal(clearHabit(habitsOf(pointing(T, where), ids)), habit);
  }
  const habits = habitsOf(pointing(T, twin), ids);
  near(habits.repeat.share, 1);
  near(habits.repeat.even, (1 / 4 + 1 / 5 + 1 / 6) / 3);
  const even = new Float64Array(T * T);
  for (let t = 0; t < T; t++) even.fill(1 / (t + 1), t * T, t * T + t + 1);
  const spread = habitsOf(even, ids);
  for (const found of Object.values(spread)) near(found.share, found.even);
  assert.equal(clearHabit(spread), null);
});

test("without repeats and without a past there is nothing to measure", () => {
  assert.equal(habitsOf(pointing(3, (t) => t), [5, 6, 7]).repeat, null);
  const alone = habitsOf([1], [5]);
  assert.deepEqual(Object.values(alone), [null, null, null, null]);
  assert.equal(clearHabit(alone), null);
});

test("heads in order, their edits, and the one that matters most", () => {
  assert.deepEqual(allHeads({ n_layer: 2, n_head: 2 }), [[0, 0], [0, 1], [1, 0], [1, 1]]);
  assert.deepEqual(silenced([[1, 3]]), [{ hook: "blocks.1.attn.z", head: 3, op: "zero" }]);
  assert.equal(mostMoved([0.1, -0.4, 0.2]), 1);
  assert.equal(mostMoved([null, null]), 0);
});

test("what a head costs is more or less, and heads are counted", () => {
  assert.equal(costWords(-0.17), "0.17 nats per token less");
  assert.equal(costWords(0.2), "0.20 nats per token more");
  assert.equal(costWords(-0.004), "the same, to a hundredth of a nat per token");
  assert.deepEqual([headCount(1), headCount(3)], ["1 head", "3 heads"]);
  const result = {
    heads: [{ name: "Layer 0, head 0", habit: null, habits: {}, cost: -0.17 }],
    config: { n_layer: 1, n_head: 1 },
    vocabulary: ["a"],
    loss: 2,
    lossAfter: 1.83,
    next: { best: [{ id: 0, was: 0.5, is: 0.25 }] },
  };
  const state = { layer: 0, head: 0 };
  const said = (out) => headsSentence({ ...result, out }, state);
  assert.match(said([]), /Without it the text costs 0\.17 nats per token less; /);
  assert.match(said([[0, 0]]), /With 1 head silenced, the text costs 1\.83 nats/);
});

test("the head asked for, and of several the one that matters most", () => {
  const config = { n_layer: 2, n_head: 2 };
  const heads = [0.1, -0.4, 0.2, 0.3].map((cost) => ({ cost }));
  const chosen = (layer, head) => chosenHead({ heads, config }, { layer, head });
  assert.equal(chosen(null, null), 1);
  assert.equal(chosen(1, null), 3);
  assert.equal(chosen(null, 0), 2);
  assert.equal(chosen(1, 0), 2);
});
