/** The prediction walk, the lens with its sums, and the experiment: their numbers. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { KVCache } from "../../../minigpt_edu/viz/js/core/kv_cache.js";
import { makeTensor, tensorAt } from "../../../minigpt_edu/viz/js/core/tensor.js";
import { Sampler, softmaxOf } from "../../../minigpt_edu/viz/js/core/sampling.js";
import { attributionKeep, lensGrid, lensPath, lensTop, logitParts, logitReader, readoutNames } from "../../../minigpt_edu/viz/js/views/attribution.js";
import { alignedTexts, compareNext, controlChoice, experimentEdits, meanLoss, shiftedTargets } from "../../../minigpt_edu/viz/js/views/experiment_parts.js";
import { largestSize, topPlaces, vectorAt, vectorLength } from "../../../minigpt_edu/viz/js/views/vectors.js";
import { drawnPin, headLengths, logitRange, patternRow, softmaxSum, standoutHead, standoutWords, streamLengths, strongestNeurons, unevenness, walkKeep } from "../../../minigpt_edu/viz/js/views/walk_parts.js";
import { SHAPES, randomIds, randomModel } from "./models.mjs";

const IDS = randomIds(9, 61);
const near = (a, b, within = 1e-4) => assert.ok(Math.abs(a - b) <= within, `${a} ${b}`);

/** What the method "run" answers. */
function kept(model, keep, edits = {}, targets = null) {
  const { logits, cache } = model.run(IDS, { keep, edits, targets });
  return { ...Object.fromEntries(cache.values), logits };
}

/** What the method "weights" answers. */
function parameters(model) {
  const { n_embd: C, vocab_size: V } = model.config;
  const norm = model.normFinal;
  const all = {
    "token_embedding.weight": [model.embedding, [V, C]],
    "head.weight": [model.head.weight, [V, C]],
    head_bias: [model.head.bias, [V]],
    "norm_final.weight": [norm?.gain, [C]],
    "norm_final.bias": [norm?.bias, [C]],
  };
  const names = readoutNames(model.config);
  return Object.fromEntries(names.map((name) => [name, makeTensor(...all[name])]));
}

const ADDITIVE = Object.entries(SHAPES).filter(([, s]) => s.norm_position !== "post");

/** Norms whose gain and bias are not 1 and 0. */
function shaken(model) {
  const { normFinal } = model;
  normFinal?.gain?.forEach((_, i, gain) => (gain[i] = 0.5 + ((i * 7) % 11) / 10));
  normFinal?.bias?.forEach((_, i, bias) => (bias[i] = ((i * 5) % 7) / 10 - 0.3));
  return model;
}

for (const [name, shape] of ADDITIVE) {
  test(`the parts of every logit sum to it: ${name}`, () => {
    const model = shaken(randomModel(shape));
    const { config } = model;
    const weights = parameters(model);
    const off = { "blocks.1.mlp.out": (x) => void x.data.fill(0) };
    for (const edits of [{}, off]) {
      const arrays = kept(model, attributionKeep(config), edits);
      for (const [position, token, rival] of [
        [0, 5, null],
        [4, 60, 3],
        [8, 0, 60],
      ]) {
        const reader = logitReader(config, weights, token, rival);
        const { parts, total, logit } = logitParts(arrays, config, reader, position);
        const sum = parts.reduce((all, part) => all + part.value, reader.constant);
        near(sum, logit);
        near(total, logit);
        if (edits === off) assert.equal(parts.at(-1).value, 0);
      }
    }
  });
}

for (const [name, shape] of ADDITIVE) {
  test(`a part is what the logit loses when the norm forgets it: ${name}`, () => {
    const model = shaken(randomModel(shape));
    const { config } = model;
    const keep = attributionKeep(config);
    const arrays = kept(model, keep);
    const reader = logitReader(config, parameters(model), 5, 17);
    const { parts, logit } = logitParts(arrays, config, reader, 4);
    for (const { hook, value } of parts) {
      const part = arrays[hook].data;
      const edits = {
        "blocks.1.resid_post": (x) => x.data.forEach((_, i) => (x.data[i] -= part[i])),
      };
      if (config.final_norm) {
        edits["norm_final.scale"] = (x) => x.data.set(arrays["norm_final.scale"].data);
      }
      const without = kept(model, keep, edits);
      const row = vectorAt(without.logits_raw ?? without.logits, 0, 4);
      near(logit - (row[5] - row[17]), value);
    }
  });
}

test("the parts are named as the hooks that wrote them, in that order", () => {
  const model = randomModel(SHAPES.gpt2);
  const { config } = model;
  const reader = logitReader(config, parameters(model), 7);
  const arrays = kept(model, attributionKeep(config));
  assert.deepEqual(
    logitParts(arrays, config, reader, 3).parts.map(({ name, hook }) => [name, hook]),
    [
      ["embedding", "embed"],
      ["position", "pos_embed"],
      ["attention 0", "blocks.0.attn.out"],
      ["MLP 0", "blocks.0.mlp.out"],
      ["attention 1", "blocks.1.attn.out"],
      ["MLP 1", "blocks.1.mlp.out"],
    ],
  );
});

test("a stream that is normalised after each addition is no sum, and that is said", () => {
  const { config } = randomModel(SHAPES.post);
  assert.throws(() => logitReader(config, {}, 0), /norm_position=pre/);
});

test("the lens: best guesses, top lists and paths agree with softmax", () => {
  const model = randomModel(SHAPES.modern);
  const streams = ["blocks.0.resid_pre", "blocks.1.resid_pre", "blocks.1.resid_post"];
  const arrays = kept(model, streams);
  const rows = streams.map((name) => [...model.unembed(arrays[name]).data]);
  const lens = makeTensor(Float32Array.from(rows.flat()), [3, IDS.length, 61]);
  const grid = lensGrid(lens);
  assert.deepEqual([grid.length, grid[0].length], [3, IDS.length]);
  grid.forEach((row, depth) =>
    row.forEach(({ id, p }, position) => {
      const probs = softmaxOf(vectorAt(lens, depth, position));
      near(p, Math.max(...probs), 1e-6);
      near(probs[id], p, 1e-6);
      const top = lensTop(lens, depth, position, 4);
      assert.equal(top[0].id, id);
      assert.ok(top.every((one, i) => i === 0 || one.p <= top[i - 1].p));
      near(lensPath(lens, position, 17)[depth], probs[17], 1e-7);
    }),
  );
  // the last row of the lens is the prediction itself
  const chosen = softmaxOf(vectorAt(arrays.logits, 0, 8));
  near(lensPath(lens, 8, 11).at(-1), chosen[11], 1e-6);
});

for (const [name, shape] of Object.entries(SHAPES)) {
  test(`a walk through a kept run: ${name}`, () => {
    const model = randomModel(shape);
    const { config } = model;
    const arrays = kept(model, walkKeep(config));
    const steps = streamLengths(arrays, config.n_layer, 6);
    assert.equal(steps.length, 1 + 2 * config.n_layer);
    assert.deepEqual(steps.map(({ part }) => part).slice(0, 3), [
      "embedding",
      "attention",
      "MLP",
    ]);
    for (const { hook, length } of steps) {
      near(length, Math.hypot(...vectorAt(arrays[hook], 0, 6)));
    }
    const row = patternRow(arrays, 1, 2, 6);
    assert.equal(row.length, 7);
    near(
      row.reduce((a, b) => a + b, 0),
      1,
    );
    near(row[3], tensorAt(arrays["blocks.1.attn.pattern"], 0, 2, 6, 3), 0);
    const own = standoutHead(arrays, config.n_layer, 6);
    const scores = [0, 1].map((layer) =>
      headLengths(arrays, layer, 6).map((length, head) => {
        const stream = vectorAt(arrays[`blocks.${layer}.resid_mid`], 0, 6);
        return (length / Math.hypot(...stream)) * unevenness(patternRow(arrays, layer, head, 6));
      }),
    );
    assert.equal(scores[0].length, config.n_head);
    near(own.score, scores[own.layer][own.head], 1e-6);
    near(own.score, Math.max(...scores.flat()), 1e-6);
    near(own.score, own.added * own.uneven, 1e-9);
    assert.equal(standoutHead(arrays, 1, 6, 1).layer, 1);
  });
}

test("the heads' vectors, whose lengths are shown, sum to what attention adds", () => {
  const model = randomModel(SHAPES.modern);
  const arrays = kept(model, walkKeep(model.config));
  const heads = [0, 1, 2, 3].map((head) =>
    vectorAt(arrays["blocks.1.attn.head_out"], 0, head, 6),
  );
  const out = vectorAt(arrays["blocks.1.attn.out"], 0, 6);
  out.forEach((value, i) =>
    near(
      heads.reduce((sum, head) => sum + head[i], 0),
      value,
    ),
  );
  assert.deepEqual(headLengths(arrays, 1, 6), heads.map(vectorLength));
});

test("how far a row is from even reading: the total variation", () => {
  assert.equal(unevenness([1]), 0);
  assert.equal(unevenness([0.25, 0.25, 0.25, 0.25]), 0);
  assert.equal(unevenness([0, 1, 0, 0]), 0.75);
  assert.equal(unevenness([0.75, 0.25]), 0.25);
});

/** Two layers of two heads over two tokens: lengths added, and rows at the second. */
function fourHeads(lengths, rows, stream = [10, 10]) {
  const arrays = {};
  for (const layer of [0, 1]) {
    const [one, two] = lengths[layer];
    arrays[`blocks.${layer}.attn.z`] = makeTensor(
      Float32Array.of(one, one, two, two),
      [1, 2, 2, 1],
    );
    const pattern = rows[layer].flatMap((first) => [1, 0, first, 1 - first]);
    arrays[`blocks.${layer}.attn.pattern`] = makeTensor(
      Float32Array.from(pattern),
      [1, 2, 2, 2],
    );
    arrays[`blocks.${layer}.resid_mid`] = makeTensor(
      Float32Array.of(stream[layer], stream[layer]),
      [1, 2, 1],
    );
  }
  return arrays;
}

test("an idle head does not stand out, however much it is of its layer", () => {
  const even = [0.5, 0.5];
  // the first adds almost all of its layer, reading evenly; the last really reads
  const idle = fourHeads([[5, 0.1], [3, 4]], [even, [0.5, 1]]);
  const { layer, head, score } = standoutHead(idle, 2, 1);
  assert.deepEqual([layer, head], [1, 1]);
  near(score, 0.4 * 0.5, 1e-6);
  // the same length is less in a longer stream
  const longer = fourHeads([[4, 1], [4, 1]], [[1, 1], [1, 1]], [40, 10]);
  assert.deepEqual(standoutHead(longer, 2, 1).layer, 1);
  // the first token reads itself: its additions decide; of equal ones the first
  const found = (arrays, position) => {
    const { layer, head } = standoutHead(arrays, 2, position);
    return [layer, head];
  };
  const growing = fourHeads([[1, 1], [1, 3]], [even, even]);
  assert.deepEqual(found(growing, 0), [1, 1]);
  const same = fourHeads([[1, 1], [1, 1]], [[1, 1], [1, 1]]);
  assert.deepEqual(found(same, 1), [0, 0]);
});

test("the figure says the score by which it chose", () => {
  const own = { layer: 0, head: 1, score: 0.08, added: 0.4, uneven: 0.2 };
  const said = standoutWords(own, "all heads", 3);
  assert.match(said, /0\.40 .* 0\.20 .* 0\.080.* all heads/);
  assert.match(standoutWords(own, "its layer", 0), /its layer, it adds 0\.40 .* most/);
});

test("two texts are aligned by number, their ends belong together", () => {
  const pieces = (...ids) => ids.map((id) => ({ id, text: "x" }));
  const one = pieces(1, 2, 3, 4),
    two = pieces(1, 9, 8, 3, 4);
  const found = (position) => alignedTexts(one, two, position);
  assert.deepEqual(found(1), { count: 5, taken: 1, put: 1, differ: 1 });
  assert.deepEqual(found(3), { count: 5, taken: 4, put: 3, differ: 1 });
  assert.deepEqual(found(null), { count: 5, taken: null, put: null, differ: 1 });
  assert.equal(alignedTexts(one, one, 0).differ, null);
  assert.equal(alignedTexts(one, one.slice(0, 2), 0).differ, 2);
});

test("the strongest neurons are farthest from zero, sign apart", () => {
  const data = Float32Array.of(0, 9, 9, 9, 0.5, -3, 2, 1); // two tokens of four neurons
  const arrays = { "blocks.0.mlp.post": { data, shape: [1, 2, 4] } };
  const found = strongestNeurons(arrays, 0, 1, 2);
  assert.deepEqual(found, {
    neurons: [
      { neuron: 1, value: -3 },
      { neuron: 2, value: 2 },
    ],
    count: 4,
    half: 1,
  });
});

test("softmax written out: the powers and the rest are the sum, the shares are p", () => {
  const logits = Float32Array.of(1, 3, -2, 3.5, 0, 2);
  const { rows, rest, total, others } = softmaxSum(logits, 3);
  assert.deepEqual(
    rows.map(({ id }) => id),
    [3, 1, 5],
  );
  assert.equal(others, 3);
  assert.equal(rows[0].power, 1);
  near(
    rows.reduce((sum, { power }) => sum + power, rest),
    total,
    1e-12,
  );
  near(rest, Math.exp(1 - 3.5) + Math.exp(-2 - 3.5) + Math.exp(0 - 3.5), 1e-9);
  const probs = softmaxOf(logits);
  for (const { id, p, logit } of rows) {
    near(p, probs[id], 1e-6);
    assert.equal(logit, logits[id]);
  }
});

test("the range of the logits", () => {
  const { order, highest, lowest, mean } = logitRange(Float32Array.of(1, 4, -2, 5));
  assert.deepEqual([[...order], highest, lowest, mean], [[3, 1, 0, 2], 5, -2, 2]);
});

test("the pin shown is the sampler's own draw, turn after turn", () => {
  const model = randomModel(SHAPES.modern);
  const sampler = Sampler.of({ temperature: 1, seed: 11 });
  const text = [...IDS],
    cache = new KVCache(model.config);
  for (let turn = 0; turn < 6; turn++) {
    const logits = model.feed(text, cache).slice();
    const pin = drawnPin(logits, 11, turn);
    assert.equal(pin.id, sampler.choose(logits, text));
    assert.ok(pin.from <= pin.u + 1e-6 && pin.u < pin.to + 1e-6);
    near(pin.to - pin.from, softmaxOf(logits)[pin.id], 1e-12);
    text.push(pin.id);
  }
});

test("an experiment names its hook, part and place, and nothing else", () => {
  const choice = { layer: 1, index: 3, position: null, ids: null };
  assert.deepEqual(experimentEdits({ ...choice, unit: "head", op: "zero" }, 9), [
    { hook: "blocks.1.attn.z", op: "zero", head: 3 },
  ]);
  assert.deepEqual(experimentEdits({ ...choice, unit: "neuron", op: "mean" }, 9), [
    { hook: "blocks.1.mlp.post", op: "mean", neuron: 3 },
  ]);
  const there = { unit: "stream", op: "patch", position: 2, ids: [5, 6, 7] };
  const patch = {
    hook: "blocks.1.resid_post",
    op: "patch",
    position: 2,
    ids: [5, 6, 7],
  };
  assert.deepEqual(experimentEdits({ ...choice, ...there }, 9), [patch]);
  const end = { ...choice, ...there, position: 8 }; // the ends belong together
  assert.deepEqual(experimentEdits(end, 9), [{ ...patch, position: 8, from: 2 }]);
});

test("a control is another part, every one is drawn, and the seed decides", () => {
  const sizes = { layers: 2, heads: 4, neurons: 56, tokens: 9 };
  const choice = { unit: "head", layer: 1, index: 2, op: "zero", position: null };
  const seen = new Set();
  for (let turn = 0; turn < 80; turn++) {
    const control = controlChoice(choice, sizes, 5, turn);
    assert.deepEqual(control, controlChoice(choice, sizes, 5, turn));
    assert.equal(control.op, "zero");
    seen.add(`${control.layer}.${control.index}`);
  }
  assert.deepEqual([...seen].sort(), ["0.0", "0.1", "0.2", "0.3", "1.0", "1.1", "1.3"]);
  const stream = { ...choice, unit: "stream", index: 0, position: 8 };
  for (let turn = 0; turn < 60; turn++) {
    const { layer, position } = controlChoice(stream, sizes, 5, turn);
    assert.ok(position >= 0 && position < 9 && layer < 2);
    assert.ok(layer !== 1 || position !== 8);
  }
  const alone = { ...sizes, layers: 1, heads: 1 };
  assert.throws(() => controlChoice({ ...choice, layer: 0 }, alone, 5, 0), /no other/);
});

test("before and after: changes sum to nothing, equal runs do not differ", () => {
  const before = Float32Array.of(3, 2, 1, 0, -1),
    after = Float32Array.of(2, 3, 1, 0, -1);
  const same = compareNext(before, before, 3);
  assert.deepEqual([same.rises, same.falls, same.apart], [[], [], 0]);
  const { best, rises, falls, apart } = compareNext(before, after, 2);
  assert.deepEqual(
    best.map(({ id }) => id),
    [0, 1],
  );
  assert.deepEqual(
    rises.map(({ id }) => id),
    [1],
  );
  assert.deepEqual(
    falls.map(({ id }) => id),
    [0],
  );
  const was = softmaxOf(before),
    is = softmaxOf(after);
  near(best[0].change, is[0] - was[0], 1e-7);
  assert.equal(best[1].logit, 1);
  near(apart, is[1] - was[1], 1e-6);
});

test("the loss of a text is the mean surprise at its own next tokens", () => {
  const model = randomModel(SHAPES.modern);
  const targets = shiftedTargets(IDS);
  assert.deepEqual(targets, [...IDS.slice(1), -1]);
  const { loss, logits } = kept(model, ["loss"], {}, targets);
  let sum = 0;
  for (let t = 0; t + 1 < IDS.length; t++) {
    sum -= Math.log(softmaxOf(vectorAt(logits, 0, t))[IDS[t + 1]]);
  }
  near(meanLoss(loss, IDS.length), sum / (IDS.length - 1), 1e-5);
  assert.equal(meanLoss(loss, 1), null);
  const last = makeTensor(Float32Array.of(1, 2, 90), [1, 3]); // no answer: no part of it
  assert.equal(meanLoss(last, 3), 1.5);
});

test("vectors are found by their place, and a wrong place is refused", () => {
  const tensor = makeTensor(
    Float32Array.from({ length: 12 }, (_, i) => i),
    [1, 3, 4],
  );
  assert.deepEqual([...vectorAt(tensor, 0, 2)], [8, 9, 10, 11]);
  assert.throws(
    () => vectorAt(tensor, 0, 3),
    /index 3 is outside axis 1 of \[1, 3, 4\]/,
  );
  assert.throws(() => vectorAt(tensor, 0), /1 indices before the last of 3 axes/);
  assert.equal(vectorLength([3, 4]), 5);
  assert.equal(largestSize([2, -7, 5]), 7);
  assert.deepEqual(topPlaces([1, -5, 3, 3], 3), [2, 3, 0]);
  assert.deepEqual(topPlaces([1, -5, 3, 3], 2, true), [1, 2]);
});
