/** Sampling and generating: laws that need no Python. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { stream } from "../../../minigpt_edu/viz/js/core/generate.js";
import { KVCache } from "../../../minigpt_edu/viz/js/core/kv_cache.js";
import { Mulberry32, drawId } from "../../../minigpt_edu/viz/js/core/rng.js";
import { Sampler } from "../../../minigpt_edu/viz/js/core/sampling.js";
import { SHAPES, randomIds, randomModel } from "./models.mjs";

const LOGITS = Float32Array.of(2, 1, 1, 0, -1, -Infinity);

function kept(knobs, seen) {
  const probs = Sampler.of(knobs).probs(LOGITS, seen);
  return [...probs.keys()].filter((id) => probs[id] > 0);
}

test("each rule keeps its set; of equal tokens the lower id", () => {
  assert.deepEqual(kept({}), [0, 1, 2, 3, 4]);
  assert.deepEqual(kept({ top_k: 2 }), [0, 1]);
  assert.deepEqual(kept({ top_k: 99 }), [0, 1, 2, 3, 4]);
  assert.deepEqual(kept({ top_p: 0.5 }), [0]); // 0.50... of it is the first
  assert.deepEqual(kept({ top_p: 0.6 }), [0, 1]);
  assert.deepEqual(kept({ min_p: 0.3 }), [0, 1, 2]);
  assert.deepEqual(kept({ temperature: 0 }), [0]);
  assert.deepEqual(kept({ temperature: 0, repetition_penalty: 3 }, [0]), [1]);
  assert.deepEqual(kept({ temperature: 5, min_p: 0.5 }), [0, 1, 2, 3, 4]);
});

test("values that change nothing add no rule; stages are named like Python's", () => {
  const nothing = { temperature: 1, top_p: 1, min_p: 0, repetition_penalty: 1 };
  assert.equal(Sampler.of(nothing).rules.length, 0);
  const all = { temperature: 0.5, top_k: 3, top_p: 0.9, min_p: 0.1, seed: 1 };
  const stages = Sampler.of({ ...all, repetition_penalty: 1.5 }).stages(LOGITS, [0]);
  assert.deepEqual(stages.map(({ name }) => name), [
    "model", "RepetitionPenalty(value=1.5)", "Temperature(value=0.5)", "TopK(k=3)",
    "TopP(p=0.9)", "MinP(p=0.1)",
  ]);
});

test("knobs without a meaning are refused", () => {
  const refused = (knobs, reason) => assert.throws(() => Sampler.of(knobs), reason);
  refused({ temperature: -1 }, /temperature=-1 must be above 0/);
  refused({ temperature: NaN }, /temperature=NaN/);
  refused({ top_k: 0 }, /top_k=0 must be at least 1/);
  refused({ top_k: 1.5 }, /top_k=1.5/);
  refused({ top_p: 0 }, /top_p=0 must be above 0/);
  refused({ min_p: 2 }, /min_p=2/);
  refused({ repetition_penalty: 0 }, /repetition_penalty=0/);
  refused({ seed: -1 }, /seed=-1/);
  refused({ seed: 2 ** 32 }, /32 bits/);
});

test("logits that hold NaN are refused, greedy or not", () => {
  for (const knobs of [{}, { temperature: 0 }, { top_k: 1 }, { top_p: 0.5 }]) {
    const broken = Float32Array.of(1, NaN, 2);
    assert.throws(() => Sampler.of(knobs).choose(broken), /add up to NaN/);
  }
  assert.throws(() => drawId(new Float32Array(3), 0.5), /add up to 0/);
});

test("a draw is where the pin falls, and never an impossible id", () => {
  const probs = Float32Array.of(0, 0.25, 0, 0.75, 0);
  const drawn = [0, 0.2499, 0.25, 0.999999].map((u) => drawId(probs, u));
  assert.deepEqual(drawn, [1, 1, 3, 3]);
});

test("the same seed gives the same ids, another seed others", () => {
  const ids = (seed) => {
    const sampler = Sampler.of({ seed });
    return Array.from({ length: 50 }, () => sampler.choose(LOGITS));
  };
  assert.deepEqual(ids(1), ids(1));
  assert.notDeepEqual(ids(1), ids(2));
  assert.notEqual(new Mulberry32(0).uniform(), new Mulberry32(1).uniform());
});

function greedily(model, ids, count) {
  const all = [...ids];
  for (let i = 0; i < count; i++) {
    const { data } = model.run(all).logits;
    const row = data.slice(-61);
    all.push(row.indexOf(Math.max(...row)));
  }
  return all.slice(ids.length);
}

test("a stream is what running the whole text again and again gives", () => {
  const model = randomModel(SHAPES.modern), ids = randomIds(7, 61);
  const steps = [...stream(model, ids, { maxNew: 12, candidates: 3 })];
  assert.deepEqual(steps.map(({ id }) => id), greedily(model, ids, 12));
  assert.deepEqual(steps.map(({ cached }) => cached), steps.map((_, i) => 7 + i));
  assert.deepEqual(steps.map(({ ending }) => ending), [...Array(11).fill(""), "length"]);
  for (const { id, logprob, candidates } of steps) {
    assert.equal(candidates.length, 3);
    assert.equal(candidates[0][0], id);
    assert.ok(Math.abs(Math.log(candidates[0][1]) - logprob) < 1e-12);
    assert.ok(candidates[0][1] >= candidates[1][1]);
  }
});

test("a stream stops where it should, and leaves the prompt alone", () => {
  const model = randomModel(SHAPES.gpt2), ids = randomIds(90, 61);
  const before = [...ids];
  const endings = [...stream(model, ids, { maxNew: 50 })].map(({ ending }) => ending);
  assert.deepEqual(endings, ["", "", "", "", "", "", "context"]);
  const [first] = stream(model, ids);
  assert.equal([...stream(model, ids, { stop: [first.id] })].at(-1).ending, "stop");
  assert.deepEqual([...stream(model, ids, { maxNew: 0 })], []);
  assert.deepEqual(ids, before);
});

test("the model's probabilities are given, not the sampler's", () => {
  const model = randomModel(SHAPES.gpt2), ids = [1, 2, 3];
  const sampler = Sampler.of({ temperature: 9, top_k: 40, seed: 4 });
  const [step] = stream(model, ids, { sampler, candidates: 61 });
  const sum = step.candidates.reduce((total, [, prob]) => total + prob, 0);
  assert.ok(Math.abs(sum - 1) < 1e-9);
  const [, prob] = step.candidates.find(([id]) => id === step.id);
  assert.ok(Math.abs(Math.exp(step.logprob) - prob) < 1e-12);
});

test("what cannot be continued is refused before any work", () => {
  const model = randomModel(SHAPES.gpt2), cache = new KVCache(model.config);
  const refused = (ids, options, reason) =>
    assert.throws(() => stream(model, ids, { cache, ...options }), reason);
  refused([], {}, /at least one id/);
  refused([99], {}, /id 99/);
  refused([1], { maxNew: -1 }, /maxNew=-1/);
  refused([1], { candidates: 62 }, /0 to 61/);
  assert.equal(cache.length, 0);
});
