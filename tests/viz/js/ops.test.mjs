/** The arithmetic in plain loops against the plainest loops, bit by bit. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Linear, activateInto, logSumExp, matVec, softmaxInPlace } from "../../../minigpt_edu/viz/js/core/ops.js";
import { Mulberry32 } from "../../../minigpt_edu/viz/js/core/rng.js";
import { makeTensor, tensorAt, zeroTensor } from "../../../minigpt_edu/viz/js/core/tensor.js";

/** Huge numbers that cancel, and small ones: another order gives another sum. */
function wild(random, size) {
  const one = () => {
    const small = random.uniform() - 0.5;
    return random.uniform() < 0.4 ? 1e17 * Math.sign(small) : small;
  };
  return Float32Array.from({ length: size }, one);
}

function signs(random, size) {
  return Float32Array.from({ length: size }, () => Math.sign(random.uniform() - 0.5));
}

/** One sum after the other, each in the order of the index. */
function plainly(weight, bias, x, tokens, outputs, inputs) {
  const y = new Float32Array(tokens * outputs);
  for (let t = 0; t < tokens; t++) {
    for (let o = 0; o < outputs; o++) {
      let sum = 0;
      for (let i = 0; i < inputs; i++) sum += weight[o * inputs + i] * x[t * inputs + i];
      y[t * outputs + o] = sum;
      if (bias !== null) y[t * outputs + o] += bias[o];
    }
  }
  return y;
}

test("a projection sums in the order of the index, however many tokens come", () => {
  const random = new Mulberry32(5);
  for (const [outputs, inputs] of [[1, 1], [3, 5], [4, 8], [9, 7], [16, 33]]) {
    const weight = signs(random, outputs * inputs);
    for (const bias of [null, signs(random, outputs)]) {
      const linear = new Linear(weight, bias, outputs, inputs);
      for (let tokens = 1; tokens <= 5; tokens++) {
        const x = wild(random, tokens * inputs), y = new Float32Array(tokens * outputs);
        linear.apply(x, y, tokens);
        assert.deepEqual(y, plainly(weight, bias, x, tokens, outputs, inputs));
      }
    }
  }
});

test("a product reads from where it is told, row by row", () => {
  const weight = Float32Array.from({ length: 40 }, (_, i) => i);
  const x = Float32Array.of(9, 1, 10), y = new Float32Array(7).fill(-1);
  matVec(weight, 2, 6, 5, 2, x, 1, y, 1); // rows at 2, 8, 14, ...; x from its second
  assert.deepEqual([...y], [-1, 32, 98, 164, 230, 296, -1]);
});

test("softmax and its logarithm do not overflow", () => {
  const x = Float32Array.of(7, 1000, 1000, -1000, 7);
  assert.equal(logSumExp(x, 1, 3), 1000 + Math.log(2));
  softmaxInPlace(x, 1, 3);
  assert.deepEqual([...x], [7, 0.5, 0.5, 0, 7]);
});

test("an unknown activation is refused", () => {
  assert.throws(() => activateInto("tanh", [], [], 0), /use gelu, relu, relu2 or swiglu/);
});

test("a tensor is found by its indices, and refuses others", () => {
  const x = makeTensor(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
  assert.equal(tensorAt(x, 1, 0), 4);
  assert.throws(() => tensorAt(x, 1), /1 indices for the 2 axes/);
  assert.throws(() => tensorAt(x, 0, 3), /index 3 is outside axis 1 of \[2, 3\]/);
  assert.throws(() => makeTensor(x.data, [4]), /6 numbers do not fill .*4/);
  assert.equal(zeroTensor([2, 0, 3]).data.length, 0);
});
