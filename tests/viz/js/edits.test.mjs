/** Edits as data: what they change, and what they refuse. Torch compares them too. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { editsOf } from "../../../minigpt_edu/viz/js/core/edits.js";
import { hookAxes } from "../../../minigpt_edu/viz/js/core/hook_names.js";
import { SHAPES, randomIds, randomModel } from "./models.mjs";

const IDS = randomIds(7, 61), OTHER = randomIds(7, 61, 9);

for (const [shape, changes] of Object.entries(SHAPES)) {
  test(`every hook can be edited, and keeps what the edit leaves: ${shape}`, () => {
    const model = randomModel(changes);
    const plain = model.run(IDS, { keep: "*" }).cache;
    for (const name of plain.names()) {
      if (name === "tokens") continue;
      const spec = { hook: name, op: "scale", factor: 3, position: 2 };
      const run = model.run(IDS, { keep: name, edits: editsOf(model, [spec]) });
      const axes = hookAxes(name), at = axes.findIndex((a) => /^(position|query)$/.test(a));
      const was = plain.get(name), now = run.cache.get(name).data;
      const size = was.shape.slice(at + 1).reduce((product, one) => product * one, 1);
      was.data.forEach((value, i) => {
        const wanted = Math.floor(i / size) % 7 === 2 ? Math.fround(3 * value) : value;
        assert.equal(now[i], wanted, `${name} ${i}`);
      });
    }
  });
}

test("a run patched from the same text is the run itself", () => {
  const model = randomModel(SHAPES.everything);
  const names = model.hookNames().filter((name) => !["tokens", "loss"].includes(name));
  const specs = names.map((hook) => ({ hook, op: "patch", ids: IDS }));
  const { logits } = model.run(IDS, { edits: editsOf(model, specs) });
  assert.deepEqual(logits, model.run(IDS).logits);
});

test("a stream patched from another text brings its prediction along", () => {
  const model = randomModel(SHAPES.modern);
  const spec = { hook: "blocks.1.resid_post", op: "patch", ids: OTHER.slice(0, 4) };
  const edits = editsOf(model, [{ ...spec, position: 6, from: 3 }]);
  const { logits } = model.run(IDS, { edits });
  const theirs = model.run(OTHER.slice(0, 4)).logits.data.slice(-61);
  assert.deepEqual(logits.data.slice(-61), theirs);
  assert.deepEqual(logits.data.slice(0, -61), model.run(IDS).logits.data.slice(0, -61));
});

test("edits of one hook follow one another, and a pattern means all it matches", () => {
  const model = randomModel(SHAPES.modern);
  const specs = [
    { hook: "blocks.*.attn.z", op: "zero", head: 1, neuron: null },
    { hook: "blocks.0.attn.z", op: "scale", factor: 2 },
    { hook: "blocks.0.attn.z", op: "mean", head: 2 },
  ];
  const keep = "*.z";
  const plain = model.run(IDS, { keep }).cache.get("z", 0).data;
  const { cache } = model.run(IDS, { keep, edits: editsOf(model, specs) });
  const first = cache.get("z", 0).data, second = cache.get("z", 1).data;
  const head = (data, h) => data.slice(h * 42, (h + 1) * 42);
  assert.ok(head(first, 1).every((x) => x === 0) && head(second, 1).every((x) => x === 0));
  assert.deepEqual(head(first, 0), head(plain, 0).map((x) => 2 * x));
  const means = [0, 1, 2, 3, 4, 5].map((i) => {
    const column = head(plain, 2).filter((_, at) => at % 6 === i);
    return (2 * column.reduce((a, b) => a + b)) / 7;
  });
  head(first, 2).forEach((x, at) => assert.ok(Math.abs(x - means[at % 6]) < 1e-6));
  assert.deepEqual(editsOf(model, []), {});
});

const Z = { hook: "blocks.0.attn.z" };
const REFUSED = [
  [null, /an edit needs a hook/],
  [{ op: "zero" }, /an edit needs a hook/],
  [{ hook: "blocks.7.attn.z", op: "zero" }, /no hook matches/],
  [{ ...Z, op: "toString" }, /no op "toString": known: zero, mean, scale, patch/],
  [{ ...Z, op: "patsch" }, /did you mean "patch"/],
  [{ ...Z, op: "zero", heads: 1 }, /no field "heads": did you mean "head"/],
  [{ ...Z, op: "zero", head: 1.5 }, /head=1.5 of an edit must be a whole number/],
  [{ ...Z, op: "zero", head: 4 }, /head 4 is outside blocks.0.attn.z: it has 4, from 0 to 3/],
  [{ ...Z, op: "zero", neuron: 6 }, /neuron 6 .* from 0 to 5/],
  [{ ...Z, op: "zero", position: 7 }, /position 7 .* from 0 to 6/],
  [{ hook: "embed", op: "zero", head: 0 }, /embed has no head: leave head out/],
  [{ ...Z, op: "scale", factor: NaN }, /scale needs a factor/],
  [{ ...Z, op: "patch", ids: "abc" }, /patch needs ids/],
  [{ ...Z, op: "patch", ids: [61] }, /61 of the other text is no token: ids run from 0 to 60/],
  [{ ...Z, op: "patch", ids: [1, 2] }, /2 tokens and this one 7: .* or choose a position$/],
  [{ ...Z, op: "patch", ids: [1, 2], position: 0, from: 2 }, /position 2 .* from 0 to 1/],
  [{ ...Z, op: "patch", ids: IDS, from: 2 }, /say with position where it goes/],
  [{ hook: "*.pattern", op: "patch", ids: [1, 2], position: 1 }, /make them equally long$/],
  [{ hook: "tokens", op: "zero" }, /change the text/],
];

test("what cannot be meant is refused with a reason", () => {
  const model = randomModel(SHAPES.modern);
  for (const [spec, reason] of REFUSED) {
    assert.throws(() => model.run(IDS, { edits: editsOf(model, [spec]) }), reason);
  }
});
