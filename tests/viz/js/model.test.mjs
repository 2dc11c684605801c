/** Laws of the engine: they hold for any weights, in every shape of the model. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { KVCache } from "../../../minigpt_edu/viz/js/core/kv_cache.js";
import { makeTensor, tensorAt } from "../../../minigpt_edu/viz/js/core/tensor.js";
import { SHAPES, randomIds, randomModel } from "./models.mjs";

const IDS = randomIds(13, 61);

/** One test per shape. */
function forEachShape(law, check) {
  for (const [name, changes] of Object.entries(SHAPES)) {
    test(`${law}: ${name}`, () => check(randomModel(changes)));
  }
}

function lastRow({ data, shape }) {
  return data.slice(-shape.at(-1));
}

/** All numbers of a tensor for the first `tokens` positions of its position axes. */
function firstPositions({ data, shape }, name, tokens) {
  const square = /scores|pattern/.test(name);
  const axis = name === "tokens" ? 1 : shape.length - 2;
  const inner = shape.slice(axis + 1).reduce((size, one) => size * one, 1);
  return data.filter((_, i) => {
    const place = Math.floor(i / inner) % shape[axis], key = i % shape.at(-1);
    return place < tokens && (!square || key < tokens);
  });
}

forEachShape("future tokens change nothing, not one bit", (model) => {
  const other = [...IDS.slice(0, 8), ...randomIds(5, 61, 99)];
  const one = model.run(IDS, { keep: "*" }), two = model.run(other, { keep: "*" });
  assert.notDeepEqual(lastRow(one.logits), lastRow(two.logits));
  for (const name of one.cache.names()) {
    assert.deepEqual(
      firstPositions(one.cache.get(name), name, 8),
      firstPositions(two.cache.get(name), name, 8),
      name,
    );
  }
});

forEachShape("every token of the past counts", (model) => {
  const first = lastRow(model.run(IDS).logits);
  for (let t = 0; t < IDS.length; t++) {
    const changed = IDS.map((id, i) => (i === t ? (id + 1) % 61 : id));
    assert.notDeepEqual(lastRow(model.run(changed).logits), first, `token ${t}`);
  }
});

forEachShape("fed token by token = fed at once = run, bit by bit", (model) => {
  const { logits } = model.run(IDS);
  const steps = new KVCache(model.config), whole = new KVCache(model.config);
  for (let t = 1; t <= IDS.length; t++) {
    const row = logits.data.slice((t - 1) * 61, t * 61);
    assert.deepEqual(model.feed(IDS.slice(0, t), steps).slice(), row, `token ${t}`);
  }
  assert.deepEqual(model.feed(IDS, whole).slice(), lastRow(logits));
});

test("a long text is read in pieces, with the same bits", () => {
  const model = randomModel(SHAPES.modern), ids = randomIds(96, 61);
  const fed = model.feed(ids, new KVCache(model.config)).slice();
  assert.deepEqual(fed, lastRow(model.run(ids).logits));
});

test("feeding an edited text gives what a fresh cache gives", () => {
  const model = randomModel(SHAPES.everything), cache = new KVCache(model.config);
  const texts = [IDS, IDS.slice(0, 5), [...IDS.slice(0, 5), 1, 2], [9, ...IDS], IDS, IDS];
  for (const ids of texts) {
    const fresh = model.feed(ids, new KVCache(model.config)).slice();
    assert.deepEqual(model.feed(ids, cache).slice(), fresh);
    assert.deepEqual(cache.ids, ids);
  }
});

test("feeding reads only what is new", () => {
  const model = randomModel(SHAPES.gpt2), cache = new KVCache(model.config);
  model.feed(IDS, cache);
  const keys = cache.k[0].slice();
  cache.k[0][0] += 1; // the first key of the first token: used, but not made again
  const changed = cache.k[0].slice();
  model.feed([...IDS, 4], cache);
  assert.equal(cache.k[0][0], changed[0]);
  assert.notEqual(cache.k[0][0], keys[0]);
});

forEachShape("looking changes nothing, not one bit", (model) => {
  const seen = model.run(IDS, { keep: "*" }), edits = { "*": () => {} };
  assert.deepEqual(seen.logits, model.run(IDS).logits);
  assert.deepEqual(model.run(IDS, { edits }).logits, seen.logits);
  assert.deepEqual(seen.cache.get("logits"), seen.logits);
});

forEachShape("hooks come in the order of hookNames", (model) => {
  const byHead = model.config.attn_output ? ["*head_out"] : [];
  const wishes = { keep: ["*", ...byHead], targets: IDS };
  assert.deepEqual(model.run(IDS, wishes).cache.names(), model.hookNames());
});

forEachShape("the stream is a sum", (model) => {
  const { cache } = model.run(IDS, { keep: "*" });
  const plus = (a, b) => a.data.map((value, i) => value + b.data[i]);
  for (let layer = 0; layer < 2; layer++) {
    const middle = cache.get("resid_mid", layer), after = cache.get("resid_post", layer);
    const added = plus(cache.get("resid_pre", layer), cache.get("attn.out", layer));
    const written = plus(middle, cache.get("mlp.out", layer));
    if (model.config.norm_position === "post") {
      assert.deepEqual(cache.get("norm1.out", layer).data, middle.data);
      assert.deepEqual(cache.get("norm2.out", layer).data, after.data);
    } else {
      assert.deepEqual(added, middle.data);
      assert.deepEqual(written, after.data);
    }
  }
});

forEachShape("pattern rows sum to 1 and never look ahead", (model) => {
  const { data } = model.run(IDS, { keep: "*.pattern" }).cache.get("pattern", 1);
  for (let row = 0; row < data.length / 13; row++) {
    const weights = data.subarray(row * 13, row * 13 + 13);
    const sum = weights.reduce((a, b) => a + b);
    assert.ok(Math.abs(sum - 1) < 1e-6);
    assert.ok(weights.subarray((row % 13) + 1).every((weight) => weight === 0));
    assert.ok(weights.subarray(0, (row % 13) + 1).every((weight) => weight > 0));
  }
});

test("what the heads write is what attention writes", () => {
  const model = randomModel({ ...SHAPES.modern, n_layer: 1 });
  const keep = ["*.head_out", "*.attn.out", "*.z"];
  const { cache } = model.run(IDS, { keep });
  const heads = cache.get("head_out", 0), out = cache.get("attn.out", 0);
  assert.deepEqual(heads.shape, [1, 4, 13, 20]);
  for (let t = 0; t < 13; t++) {
    for (let c = 0; c < 20; c++) {
      let sum = 0;
      for (let h = 0; h < 4; h++) sum += tensorAt(heads, 0, h, t, c);
      assert.ok(Math.abs(sum - tensorAt(out, 0, t, c)) < 1e-5);
    }
  }
});

test("a head that is knocked out writes nothing, and what is kept says so", () => {
  const model = randomModel(SHAPES.modern);
  const silence = (z) => void z.data.fill(0, 13 * 6, 2 * 13 * 6); // head 1 of 4
  const wishes = { keep: ["*.z", "*.head_out"], edits: { "blocks.0.attn.z": silence } };
  const { cache, logits } = model.run(IDS, wishes);
  const written = cache.get("head_out", 0).data, size = 13 * 20;
  assert.ok(written.subarray(size, 2 * size).every((value) => value === 0));
  assert.ok(written.subarray(0, size).some((value) => value !== 0));
  assert.notDeepEqual(logits, model.run(IDS).logits);
});

test("a value patched in from another text brings its logits along", () => {
  const model = randomModel(SHAPES.everything), other = randomIds(13, 61, 99);
  const source = model.run(other, { keep: "blocks.1.resid_post" });
  const patch = () => source.cache.get("blocks.1.resid_post");
  const edits = { "blocks.1.resid_post": patch };
  assert.deepEqual(model.run(IDS, { edits }).logits, source.logits);
});

test("an edit of the tokens is read", () => {
  const model = randomModel(SHAPES.gpt2);
  const edits = { tokens: (ids) => makeTensor(ids.data.map((id) => 60 - id), ids.shape) };
  const turned = model.run(IDS.map((id) => 60 - id)).logits;
  assert.deepEqual(model.run(IDS, { edits }).logits, turned);
  const far = { tokens: (ids) => void ids.data.fill(61) };
  assert.throws(() => model.run(IDS, { edits: far }), /id 61 is not in/);
});

test("edits of one value follow one another, and a run may be made inside one", () => {
  const model = randomModel(SHAPES.modern), name = "blocks.0.mlp.post";
  const inner = () => model.run(IDS, { keep: name }).cache.get(name);
  const edits = { [name]: (x) => void x.data.fill(5), "*.0.mlp.post": inner };
  assert.deepEqual(model.run(IDS, { edits }).logits, model.run(IDS).logits);
});

test("what was kept stays as it was, whatever happens to the tensor of an edit", () => {
  const model = randomModel(SHAPES.modern), name = "blocks.0.resid_mid";
  const patch = makeTensor(new Float32Array(13 * 20).fill(2), [1, 13, 20]);
  const { cache } = model.run(IDS, { keep: name, edits: { [name]: () => patch } });
  patch.data.fill(3);
  assert.ok(cache.get(name).data.every((value) => value === 2));
});

test("the unembedding of the last stream is the logits", () => {
  const model = randomModel(SHAPES.everything);
  const { logits, cache } = model.run(IDS, { keep: "*.resid_post" });
  assert.deepEqual(model.unembed(cache.get("resid_post", -1)), logits);
  const narrow = makeTensor(new Float32Array(6), [2, 3]);
  assert.throws(() => model.unembed(narrow), /n_embd=20/);
});

test("the loss is minus the log of the softmax, and 0 without a target", () => {
  const model = randomModel(SHAPES.gpt2);
  const targets = [...IDS.slice(1), -1];
  const { cache, logits } = model.run(IDS, { keep: "loss", targets });
  const loss = cache.get("loss");
  assert.deepEqual(loss.shape, [1, 13]);
  assert.equal(loss.data[12], 0);
  const row = logits.data.slice(0, 61);
  const total = row.reduce((sum, value) => sum + Math.exp(value), 0);
  const surprise = -Math.log(Math.exp(row[targets[0]]) / total);
  assert.ok(Math.abs(loss.data[0] - surprise) < 1e-5);
});

test("what cannot be run is refused, with the way out", () => {
  const model = randomModel(SHAPES.modern), cache = new KVCache(model.config);
  const run = (ids, wishes) => () => model.run(ids, wishes);
  assert.throws(run([]), /at least one id/);
  assert.throws(run([61]), /id 61 is not in the model's vocabulary of 61/);
  assert.throws(run([0.5]), /id 0.5/);
  assert.throws(run(Array(97).fill(0)), /97 tokens do not fit in the 96 .* last 96/);
  assert.throws(() => model.feed([1, -1], cache), /id -1/);
  assert.equal(cache.length, 0);
  const other = new KVCache(randomModel(SHAPES.gpt2).config);
  assert.throws(() => model.feed([1], other), /another model/);
  assert.throws(() => new KVCache(model.config, 97), /between 1 and .*block_size=96/);
  assert.throws(() => new KVCache(model.config, 0), /slots=0/);
  assert.throws(() => cache.truncate(1), /cannot keep 1 tokens of the 0/);
  assert.throws(run([1], { targets: [1, 2] }), /2 targets for 1 tokens/);
  assert.throws(run([1], { targets: [61] }), /target 61/);
  assert.throws(run([1], { keep: "blocks.0.attn.patern" }), /blocks.0.attn.pattern/);
  assert.throws(run([1], { keep: "blocks.2.*" }), /no hook matches/);
  assert.throws(run([1], { edits: { "*.z": 0 } }), /must be a function/);
  const shorter = { "*.z": () => makeTensor(new Float32Array(4), [1, 4, 1, 1]) };
  assert.throws(run([1], { edits: shorter }), /\[1, 4, 1, 1\].*keep.*\[1, 4, 1, 6\]/s);
  assert.throws(run([1], { edits: { "*.z": () => 0 } }), /returned that/);
});

test("values are found by name, for short, and from the end", () => {
  const { cache } = randomModel(SHAPES.modern).run(IDS, { keep: ["*.attn.*", "embed"] });
  assert.equal(cache.layers, 2);
  assert.equal(cache.get("q", -1), cache.get("blocks.1.attn.q"));
  assert.ok(cache.has("embed") && !cache.has("logits"));
  assert.ok(!cache.names().some((name) => name.endsWith("head_out")));
  assert.throws(() => cache.get("blocks.0.attn.qq"), /blocks.0.attn.q/);
  assert.throws(() => cache.get("mlp.pre", 0), /was not kept/);
  assert.throws(() => cache.get("out", 5), /was not kept/);
});
