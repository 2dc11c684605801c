/** The mathematics of the attention figures against the engine, and its laws. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Mulberry32 } from "../../../minigpt_edu/viz/js/core/rng.js";
import { softmaxOf } from "../../../minigpt_edu/viz/js/core/sampling.js";
import { byShare, focusOf, headKeep, headNumbers, mostRead, pickedHead, scoreParts, shareParts } from "../../../minigpt_edu/viz/js/views/attention_math.js";
import { MASKS, averages, leakTest, maskedPattern, moves, rowSums } from "../../../minigpt_edu/viz/js/views/mask_math.js";
import { HALF_MAX, effectiveChoices, entropyBits, softmaxRow, toHalf } from "../../../minigpt_edu/viz/js/views/softmax_math.js";
import { SHAPES, randomIds, randomModel } from "./models.mjs";

const TOKENS = 11;

function close(a, b, tolerance = 1e-5, what = "") {
  assert.ok(Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b)), `${what} ${a} ${b}`);
}

/** What a figure gets of a run: arrays by name, and the config as it was stored. */
function kept(changes, ids = randomIds(TOKENS, 61)) {
  const model = randomModel(changes);
  const { cache } = model.run(ids, { keep: headKeep(model.config) });
  const arrays = Object.fromEntries(cache.names().map((name) => [name, cache.get(name)]));
  return { arrays, config: { ...model.config } };
}

const NORMED = { normed: { ...SHAPES.gpt2, qk_norm: true } }; // and nothing is turned

for (const [name, changes] of Object.entries({ ...SHAPES, ...NORMED })) {
  test(`${name}: each number of a head follows from those before it`, () => {
    const { arrays, config } = kept(changes);
    for (let layer = 0; layer < config.n_layer; layer++) {
      for (let h = 0; h < config.n_head; h++) {
        const head = headNumbers(arrays, config, layer, h);
        const z = averages(head.pattern, head.v);
        for (let row = 0; row < TOKENS; row++) {
          for (let column = 0; column < TOKENS; column++) {
            const { plain, score } = scoreParts(head, row, column);
            const cap = config.attn_softcap;
            close(cap === null ? plain : cap * Math.tanh(plain / cap), score);
            const { own, sum, share } = shareParts(head, row, column);
            close(own / sum, share);
          }
          head.z[row].forEach((number, i) => close(z[row][i], number));
        }
      }
    }
  });
}

test("the causal mask before the softmax is the model's own pattern", () => {
  const { arrays, config } = kept(SHAPES.modern);
  const { scores, pattern } = headNumbers(arrays, config, 1, 3);
  maskedPattern(scores, TOKENS, "causal").forEach((share, i) => close(share, pattern[i]));
});

test("rows add up to 1 under every mask but the one after the softmax", () => {
  const { arrays, config } = kept(SHAPES.modern);
  const { scores } = headNumbers(arrays, config, 0, 1);
  for (const { kind } of MASKS) {
    const sums = rowSums(maskedPattern(scores, TOKENS, kind), TOKENS);
    if (kind === "after") assert.ok(sums.slice(0, -1).every((sum) => sum < 0.9999));
    else sums.forEach((sum) => close(sum, 1, 1e-12));
  }
  assert.throws(() => maskedPattern(scores, TOKENS, "cauzal"), /no mask "cauzal"/);
});

test("the leak test finds every leak, and none where there is none", () => {
  const ids = randomIds(TOKENS, 61);
  const before = kept(SHAPES.modern, ids);
  const after = kept(SHAPES.modern, [...ids.slice(0, -1), (ids.at(-1) + 1) % 61]);
  for (let layer = 0; layer < 2; layer++) {
    const heads = [before, after].map(({ arrays, config }) =>
      headNumbers(arrays, config, layer, 2),
    );
    const leaks = (kind) => leakTest(heads[0], heads[1], kind).leaks;
    assert.equal(leaks("causal"), 0);
    assert.deepEqual(["none", "after", "transposed"].map(leaks), [10, 10, 10]);
    assert.ok(leakTest(heads[0], heads[1], "causal").moved.at(-1) > 0);
  }
});

test("how far a row moves is a length", () => {
  assert.deepEqual(moves([[0, 0], [1, 1]], [[3, 4], [1, 1]]), [5, 0]);
});

test("a head that reads the token before has all the focus; the first does not count", () => {
  const square = (reads) => {
    const pattern = new Float32Array(25);
    for (let row = 0; row < 5; row++) pattern[row * 5 + reads(row)] = 1;
    return pattern;
  };
  assert.equal(focusOf(square((row) => Math.max(0, row - 1)), 5), 1);
  assert.equal(focusOf(square(() => 0), 5), 0);
  assert.equal(focusOf(square((row) => row), 5), 0);
  assert.equal(focusOf(Float32Array.of(1), 1), 0);
});

test("the head is chosen only where none was asked for", () => {
  const { arrays, config } = kept(SHAPES.gpt2);
  assert.deepEqual(pick(1, 2), [1, 2]);
  const [layer, head] = pick(null, null);
  for (let l = 0; l < config.n_layer; l++) assert.ok(focus(l, pick(l, null)[1]) <= focus(layer, head));
  assert.equal(pick(null, 1)[1], 1);
  function pick(l, h) {
    const best = pickedHead(arrays, config, l, h);
    return [best.layer, best.head];
  }
  function focus(l, h) {
    return focusOf(headNumbers(arrays, config, l, h).pattern, TOKENS);
  }
});

test("what a row reads most comes first", () => {
  const pattern = Float32Array.of(1, 0, 0, 0.6, 0.4, 0, 0.3, 0.4, 0.3);
  assert.equal(mostRead(pattern, 3, 2), 1);
  assert.deepEqual(byShare(pattern, 3, 2), [1, 0, 2]);
  assert.deepEqual(byShare(pattern, 3, 1), [0, 1]);
});

test("the softmax is the engine's; subtracting the largest changes nothing", () => {
  const random = new Mulberry32(5);
  for (let trial = 0; trial < 50; trial++) {
    const scores = Float32Array.from({ length: 7 }, () => 12 * (random.uniform() - 0.5));
    const stable = softmaxRow(scores);
    const plain = softmaxRow(scores, { stable: false });
    softmaxOf(scores).forEach((share, i) => {
      close(stable.shares[i], share);
      close(plain.shares[i], stable.shares[i], 1e-12);
    });
  }
});

test("temperature never changes the order, and moves between one choice and all", () => {
  const scores = [2, -1, 0.5, 3];
  const choices = [0.05, 0.5, 1, 2, 16].map((temperature) => {
    const { shares } = softmaxRow(scores, { temperature });
    assert.ok(shares[3] > shares[0] && shares[0] > shares[2]);
    return effectiveChoices(shares);
  });
  assert.deepEqual(choices, [...choices].sort((a, b) => a - b));
  close(choices[0], 1, 1e-6);
  assert.ok(choices.at(-1) > 3.9 && choices.at(-1) <= 4);
  close(entropyBits([0.25, 0.25, 0.25, 0.25]), 2, 1e-12);
  assert.equal(entropyBits([0, 1]), 0);
});

/** Every number of float16, from its bits; and what lies between two of them. */
function halfFromBits(bits) {
  const exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 0) return fraction * 2 ** -24;
  return exponent === 31 ? Infinity : (1 + fraction / 1024) * 2 ** (exponent - 15);
}

test("rounding to float16 keeps every float16 and splits the gaps, ties to even", () => {
  for (let bits = 0; bits < 0x7c00; bits++) {
    const low = halfFromBits(bits), high = bits === 0x7bff ? 65536 : halfFromBits(bits + 1);
    const even = bits % 2 === 0 ? low : high;
    const beyond = bits === 0x7bff ? Infinity : high;
    assert.equal(toHalf(low), low);
    assert.equal(toHalf((low + high) / 2), even === 65536 ? Infinity : even);
    assert.equal(toHalf(low + (high - low) * 0.499), low);
    assert.equal(toHalf(low + (high - low) * 0.501), beyond);
    assert.equal(toHalf(-low), -low);
  }
  assert.equal(halfFromBits(0x7bff), HALF_MAX);
  assert.equal(toHalf(70000), Infinity);
  assert.ok(Number.isNaN(toHalf(NaN)));
});

test("float16 overflows without the subtraction, and not with it", () => {
  const broken = softmaxRow([12, 3], { stable: false, half: true });
  assert.deepEqual(broken.powers.slice(0, 1), [Infinity]);
  assert.ok(broken.shares.some(Number.isNaN));
  const { shares } = softmaxRow([12, 3], { half: true });
  close(shares[0] + shares[1], 1, 1e-3);
  close(shares[0], softmaxRow([12, 3]).shares[0], 1e-3);
});
