/** A reader that remembers gives what a run that forgets gives, for less work. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Mulberry32 } from "../../../minigpt_edu/viz/js/core/rng.js";
import { Reader } from "../../../minigpt_edu/viz/js/core/reader.js";
import { READER, SHAPES, randomIds, randomModel } from "./models.mjs";

const IDS = randomIds(13, 61);

function everything(model) {
  return model.config.attn_output ? ["*", "*.head_out"] : ["*"];
}

/** Both runs hold the same names in the same order, and the same numbers. */
function assertSameRun(found, expected, allowed, what) {
  const names = [...expected.cache.names()];
  assert.deepEqual(found.cache.names(), names, what);
  for (const name of [...names, "the logits"]) {
    const at = (run) => (name === "the logits" ? run.logits : run.cache.get(name));
    const one = at(found), two = at(expected);
    assert.deepEqual(one.shape, two.shape, `${what}: ${name}`);
    const apart = one.data.reduce((worst, x, i) => Math.max(worst, Math.abs(x - two.data[i])), 0);
    assert.ok(apart <= allowed, `${what}: ${name} is ${apart} apart`);
  }
}

/** Texts as somebody types them: more, less, another word in the middle. */
function typed(seed, count, vocabulary) {
  const random = new Mulberry32(seed), below = (n) => Math.floor(random.uniform() * n);
  let ids = randomIds(5, vocabulary, seed);
  return Array.from({ length: count }, () => {
    const act = below(4), at = below(ids.length);
    if (act === 0 && ids.length > 3) ids = ids.slice(0, at + 1);
    else if (act === 1) ids = ids.with(at, below(vocabulary));
    else ids = [...ids, ...randomIds(1 + below(3), vocabulary, below(1000))].slice(0, 24);
    return ids;
  });
}

for (const [name, changes] of Object.entries(SHAPES)) {
  test(`typing gives every value of a whole run, bit by bit: ${name}`, () => {
    const model = randomModel(changes), reader = new Reader(model);
    for (const ids of typed(1, 12, 61)) {
      const wishes = { keep: everything(model) };
      assertSameRun(reader.run(ids, wishes), model.run(ids, wishes), 0, `[${ids}]`);
    }
  });

  test(`also when something else is looked at each time: ${name}`, () => {
    const model = randomModel(changes), reader = new Reader(model);
    const names = model.hookNames().filter((hook) => hook !== "loss");
    const random = new Mulberry32(2);
    for (const ids of typed(3, 40, 61)) {
      const keep = names.filter(() => random.uniform() < 0.1);
      assertSameRun(reader.run(ids, { keep }), model.run(ids, { keep }), 1e-5, `[${ids}]`);
    }
  });
}

test("one more token costs one token", () => {
  const model = randomModel(SHAPES.modern), reader = new Reader(model);
  const readOn = model.readOn.bind(model), read = [];
  model.readOn = (ids, cache, listener) => {
    read.push(ids.length);
    return readOn(ids, cache, listener);
  };
  const wishes = { keep: ["*.scores", "*.pattern", "*.resid_post"] };
  const computed = (ids, more = wishes) => reader.run(ids, more).computed;
  assert.equal(computed(IDS), 13);
  assert.equal(computed([...IDS, 4]), 1);
  assert.equal(computed([...IDS, 4, 9, 2]), 2);
  assert.equal(computed([...IDS, 4, 9, 2]), 0);
  assert.equal(computed(IDS.slice(0, 6)), 0, "less text");
  assert.equal(computed([...IDS, 4, 9]), 0, "and back");
  assert.equal(computed([...IDS.slice(0, 6), 60, ...IDS.slice(7)]), 7, "another word");
  assert.equal(computed(IDS.slice(0, 8), { keep: "*.pattern" }), 2, "it was forgotten");
  assert.deepEqual(read, [13, 1, 2, 7, 2]);
});

test("a value that was not looked at is computed, and the others stay known", () => {
  const model = randomModel(SHAPES.gpt2), reader = new Reader(model);
  const computed = (keep) => reader.run(IDS, { keep }).computed;
  assert.equal(computed("*.z"), 13);
  assert.equal(computed([]), 0);
  assert.equal(computed("*.mlp.post"), 13);
  assert.equal(computed(["*.z", "*.mlp.post"]), 0);
});

test("what is given away may be changed", () => {
  const model = randomModel(SHAPES.modern), reader = new Reader(model);
  const first = reader.run(IDS, { keep: "*" });
  for (const name of first.cache.names()) first.cache.get(name).data.fill(7);
  first.logits.data.fill(7);
  assertSameRun(reader.run(IDS, { keep: "*" }), model.run(IDS, { keep: "*" }), 0, "again");
});

test("edits and targets go the whole way and leave nothing behind", () => {
  const model = randomModel(SHAPES.modern), reader = new Reader(model);
  reader.run(IDS, { keep: "*" });
  const edits = { "blocks.0.attn.z": (z) => void z.data.fill(0) };
  const targets = [...IDS.slice(1), -1];
  for (const wishes of [{ keep: "*", edits }, { keep: "*", targets }]) {
    const whole = reader.run(IDS, wishes);
    assert.equal(whole.computed, 13);
    assertSameRun(whole, model.run(IDS, wishes), 0, Object.keys(wishes).join());
  }
  const after = reader.run([...IDS, 1], { keep: "*" });
  assert.equal(after.computed, 1);
  assertSameRun(after, model.run([...IDS, 1], { keep: "*" }), 0, "afterwards");
});

test("what the model would refuse is refused, and the memory stays", () => {
  const reader = new Reader(randomModel(SHAPES.modern));
  reader.run(IDS);
  assert.throws(() => reader.run([]), /no tokens/);
  assert.throws(() => reader.run([61]), /id 61 is not in/);
  assert.throws(() => reader.run(randomIds(97, 61)), /97 tokens do not fit in the 96/);
  assert.throws(() => reader.run(IDS, { keep: "*.zz" }), /no hook matches/);
  assert.equal(reader.run([...IDS, 3]).computed, 1);
});

test("of the reader's own shape: typing, causality, and the stream as a sum", () => {
  const model = randomModel(READER), reader = new Reader(model);
  const ids = randomIds(40, 1024), other = [...ids.slice(0, 30), ...randomIds(10, 1024, 9)];
  const one = reader.run(ids, { keep: "*" }), two = reader.run(other, { keep: "*" });
  assert.equal(two.computed, 10);
  assertSameRun(two, model.run(other, { keep: "*" }), 0, "another ending");
  assert.deepEqual(one.logits.data.slice(0, 30 * 1024), two.logits.data.slice(0, 30 * 1024));
  assert.notDeepEqual(one.logits.data.slice(-1024), two.logits.data.slice(-1024));
  for (let layer = 0; layer < 5; layer++) {
    const at = (name) => two.cache.get(name, layer).data;
    const sum = (a, b) => a.map((x, i) => x + b[i]);
    assert.deepEqual(sum(at("resid_pre"), at("attn.out")), at("resid_mid"));
    assert.deepEqual(sum(at("resid_mid"), at("mlp.out")), at("resid_post"));
  }
});
