/**
 * The engine against torch: every hook value, and the logits after an edit of each.
 *
 * The values are made by tests/viz/test_js_core.py, which names their folder in
 * MINIGPT_GOLDEN and reads the report written there.
 */

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { loadCheckpoint } from "../../../minigpt_edu/viz/js/core/checkpoint.js";
import { KVCache } from "../../../minigpt_edu/viz/js/core/kv_cache.js";
import { floatTensor, readSafetensors } from "../../../minigpt_edu/viz/js/core/safetensors.js";

const TOLERANCE = 1e-4;
const folder = process.env.MINIGPT_GOLDEN ?? "";
const cases = existsSync(folder) ? JSON.parse(readFileSync(join(folder, "cases.json"))) : [];
const report = {};

/** The largest difference of two tensors; Infinity when their shapes differ or NaN. */
function difference(one, two) {
  if (one === undefined || one.shape.join() !== two.shape.join()) return Infinity;
  let worst = 0;
  for (let i = 0; i < one.data.length; i++) {
    const apart = Math.abs(one.data[i] - two.data[i]);
    if (!(apart <= worst)) worst = Number.isNaN(apart) ? Infinity : apart;
  }
  return worst;
}

/** x -> 0.5 x + 0.1, in float32 as torch computes it. */
function halved({ data, shape }) {
  const half = (value) => Math.fround(Math.fround(value * 0.5) + Math.fround(0.1));
  return { data: data.map(half), shape };
}

function measure({ file, golden, ids, targets, edited }) {
  const { model } = loadCheckpoint(readFileSync(join(folder, file)));
  const { tensors } = readSafetensors(readFileSync(join(folder, golden)));
  const expected = (name) => floatTensor(tensors.get(name));
  const keep = ["*", ...(model.config.attn_output ? ["*.head_out"] : [])];
  const run = model.run(ids, { keep, targets });
  const hooks = {}, edits = {};
  for (const name of run.cache.names()) {
    hooks[name] = difference(run.cache.get(name), expected(name));
  }
  for (const name of edited) {
    const { logits } = model.run(ids, { edits: { [name]: halved } });
    edits[name] = difference(logits, expected(`edited.${name}`));
  }
  const last = { data: model.feed(ids, new KVCache(model.config)), shape: [] };
  const logits = expected("logits").data.slice(-model.config.vocab_size);
  const fed = difference({ ...last, data: last.data.slice() }, { data: logits, shape: [] });
  return { hooks, edits, fed, params: model.numParams };
}

for (const one of cases) {
  test(`every value of ${one.name} is torch's`, () => {
    const found = measure(one);
    report[one.name] = found;
    writeFileSync(join(folder, "report.json"), JSON.stringify(report));
    const all = Object.entries({ ...found.hooks, "the fed logits": found.fed });
    const edits = Object.entries(found.edits).map(([k, v]) => [`an edit of ${k}`, v]);
    const wrong = [...all, ...edits].filter(([, apart]) => !(apart <= TOLERANCE));
    assert.deepEqual(wrong, []);
  });
}

test("there are values to compare with", { skip: folder === "" && "run by pytest" }, () => {
  assert.ok(cases.length > 0);
});
