/** The soft lookup: weights of 1, an average between the notes, two ends. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { NOTES, heaviest, softLookup } from "../../../minigpt_edu/viz/js/views/lookup_math.js";

const VALUES = NOTES.map(([, value]) => value);

test("weights are a budget of 1 and the answer lies between the values", () => {
  for (let query = 4; query <= 22; query += 0.25) {
    for (const width of [0.2, 1, 3, 8]) {
      const { weights, answer } = softLookup(NOTES, query, width);
      const sum = weights.reduce((a, b) => a + b);
      assert.ok(Math.abs(sum - 1) < 1e-6 && weights.every((weight) => weight >= 0));
      assert.ok(answer >= Math.min(...VALUES) - 1e-4 && answer <= Math.max(...VALUES) + 1e-4);
    }
  }
});

test("near means the note itself, far means the mean of all", () => {
  for (const [key, value] of NOTES) {
    assert.ok(Math.abs(softLookup(NOTES, key, 0.2).answer - value) < 0.01);
  }
  const mean = VALUES.reduce((a, b) => a + b) / VALUES.length;
  assert.ok(Math.abs(softLookup(NOTES, 12, 1e4).answer - mean) < 1e-4);
});

test("the weights are those of a Gaussian kernel", () => {
  const { scores, weights } = softLookup(NOTES, 10.5, 1.5);
  const kernel = NOTES.map(([key]) => Math.exp(-((10.5 - key) ** 2) / (2 * 1.5 ** 2)));
  const total = kernel.reduce((a, b) => a + b);
  kernel.forEach((k, i) => assert.ok(Math.abs(k / total - weights[i]) < 1e-6));
  kernel.forEach((k, i) => assert.ok(Math.abs(Math.log(k) - scores[i]) < 1e-9));
});

test("the heaviest come first", () => {
  assert.deepEqual(heaviest([0.1, 0.4, 0.1, 0.4], 3), [1, 3, 0]);
});
