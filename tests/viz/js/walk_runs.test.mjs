/** The walk, the lens and the experiment on a whole source: what they ask and say. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ByteBPE } from "../../../minigpt_edu/viz/js/core/bpe.js";
import { softmaxOf } from "../../../minigpt_edu/viz/js/core/sampling.js";
import { makeTensor } from "../../../minigpt_edu/viz/js/core/tensor.js";
import { EngineSource } from "../../../minigpt_edu/viz/js/host/engine_source.js";
import { experimentLoad } from "../../../minigpt_edu/viz/js/views/experiment_run.js";
import { experimentNote, experimentSentence, experimentTable, patchWords } from "../../../minigpt_edu/viz/js/views/experiment_text.js";
import { lensLoad, lensView } from "../../../minigpt_edu/viz/js/views/lens_run.js";
import { showSigned } from "../../../minigpt_edu/viz/js/views/signed.js";
import { checkRoom, tokenPiece } from "../../../minigpt_edu/viz/js/views/tokens.js";
import { vectorAt } from "../../../minigpt_edu/viz/js/views/vectors.js";
import { alignedTexts } from "../../../minigpt_edu/viz/js/views/experiment_parts.js";
import { appendedCount, chancePieces, oneMoreToken } from "../../../minigpt_edu/viz/js/views/walk_parts.js";
import { LAST_STAGE, walkLoad, walkView } from "../../../minigpt_edu/viz/js/views/walk_run.js";
import { walkSentence, walkTable } from "../../../minigpt_edu/viz/js/views/walk_text.js";
import { SHAPES, randomModel } from "./models.mjs";

/** What a frame hands to `load`: questions answered by the page's engine. */
async function asking(shape = SHAPES.modern) {
  const model = randomModel({ vocab_size: 260, ...shape });
  const { n_embd: C } = model.config;
  const weights = new Map([
    ["token_embedding.weight", makeTensor(model.embedding, [260, C])],
    ["norm_final.weight", makeTensor(model.normFinal.gain, [C])],
  ]);
  const loaded = { model, tokenizer: new ByteBPE([]), info: { meta: {} }, weights };
  const source = new EngineSource("tiny", loaded);
  const ask = async (method, args) => {
    const { values, arrays } = await source.answer(method, args);
    return { ...values, arrays };
  };
  return { ask, about: await ask("about"), model };
}

const WALK = { text: "boat", stage: 0, layer: null, head: null, position: null };
const walking = (state) => ({ ...WALK, seed: null, grown: null, ...state });
const lastLogits = ({ arrays, ids }) => vectorAt(arrays.logits, 0, ids.length - 1);

test("greedy: what comes next is the likeliest token, and it is appended", async () => {
  const { ask, about } = await asking();
  let state = walking();
  const first = await walkLoad({ ask, about, state });
  const probs = softmaxOf(lastLogits(first));
  assert.equal(probs[first.next.id], Math.max(...probs));
  assert.deepEqual([first.given, first.ids.length, first.next.pin], [4, 4, null]);
  state = { ...state, ...oneMoreToken(state) };
  const second = await walkLoad({ ask, about, state });
  assert.deepEqual(second.ids, [...first.ids, first.next.id]);
  assert.equal(second.pieces[4].text, about.vocabulary[first.next.id]);
  assert.equal(second.given, 4);
});

test("by chance: every pin shown fell on the token that was taken, draw by draw", async () => {
  const { ask, about } = await asking();
  let state = walking({ seed: 5 });
  const taken = [];
  for (let turn = 0; turn < 5; turn++) {
    const walk = await walkLoad({ ask, about, state });
    assert.deepEqual(walk.ids.slice(4), taken);
    assert.equal(walk.next.pin.id, walk.next.id);
    taken.push(walk.next.id);
    state = { ...state, ...oneMoreToken(state) };
  }
});

test("tokens appended to one text are not appended to another", () => {
  const state = walking();
  const grown = { ...state, ...oneMoreToken({ ...state, ...oneMoreToken(state) }) };
  assert.equal(appendedCount(grown), 2);
  assert.equal(appendedCount({ ...grown, text: "ship" }), 0);
});

test("a text that has no room is refused with both numbers", async () => {
  const { ask, about } = await asking();
  const state = walking({ text: "x".repeat(65) });
  await assert.rejects(walkLoad({ ask, about, state }), /65 tokens.*room for 64/);
  const full = walking({
    text: "x".repeat(64),
    grown: { text: "x".repeat(64), count: 1 },
  });
  await assert.rejects(walkLoad({ ask, about, state: full }), /65 tokens.*room for 64/);
  assert.equal(checkRoom(64), undefined);
});

test("each stage has a sentence and a table with the numbers of its token", async () => {
  const { ask, about, model } = await asking();
  const walk = await walkLoad({ ask, about, state: walking() });
  const seen = (state) => walkView(walk, walking(state));
  for (let stage = 0; stage <= LAST_STAGE; stage++) {
    for (const position of [null, 0, 2]) {
      const sentence = walkSentence(seen({ stage, position }));
      assert.doesNotMatch(sentence, /undefined|NaN|null/);
      const { columns, rows } = walkTable(seen({ stage, position }));
      assert.ok(rows.length > 0 && rows.every((row) => row.length === columns.length));
    }
  }
  assert.match(
    walkSentence(seen({ stage: 0, position: 1 })),
    /4 tokens.*260.*“o”.* 115\./,
  );
  const row = model.embedding.subarray(115 * 20, 116 * 20);
  const embedding = walkSentence(seen({ stage: 1, position: 1 }));
  assert.match(
    embedding,
    new RegExp(`Row 115 .* 20 numbers .* ${Math.max(...row).toFixed(2)}`),
  );
  const pattern = vectorAt(walk.arrays["blocks.1.attn.pattern"], 0, 2, 3);
  const share = Math.round(100 * Math.max(...pattern));
  const attention = walkSentence(seen({ stage: 2, layer: 1, head: 2 }));
  assert.match(attention, new RegExp(`layer 1, head 2 takes ${share}\u202f%`));
  const best = Math.max(...softmaxOf(lastLogits(walk)));
  const percent = `${Math.round(100 * best)}\u202f%`;
  assert.ok(walkSentence(seen({ stage: 5 })).includes(percent));
  assert.ok(
    walkSentence(seen({ stage: 6 })).includes(`${percent}. Appended, it makes 5`),
  );
});

test("what is out of range is held within, and the next token follows the last", async () => {
  const { ask, about } = await asking();
  const walk = await walkLoad({ ask, about, state: walking() });
  const seen = walkView(walk, walking({ stage: 99, position: 1, layer: 9, head: 9 }));
  assert.deepEqual([seen.stage, seen.position, seen.layer, seen.head], [6, 3, 1, 3]);
  assert.equal(walkView(walk, walking({ position: 70 })).position, 3);
});

test("the line of chances is whole, and small neighbours are put together", () => {
  const logits = Float32Array.of(2, -9, -9, 1, -9, 3);
  const probs = softmaxOf(logits);
  const pieces = chancePieces(logits, 0.01);
  assert.deepEqual(
    pieces.map(({ id }) => id),
    [0, null, 3, null, 5],
  );
  pieces.forEach(({ id, from, to }, i) => {
    assert.equal(from, i === 0 ? 0 : pieces[i - 1].to);
    if (id !== null) assert.ok(Math.abs(to - from - probs[id]) < 1e-6);
  });
  assert.ok(Math.abs(pieces.at(-1).to - 1) < 1e-6);
});

const LENS = {
  text: "boat",
  position: null,
  depth: null,
  token: null,
  off: [],
  lead: false,
};

test("the lens: its last column is the answer, its parts sum to the logit", async () => {
  const { ask, about } = await asking();
  for (const off of [[], ["blocks.1.attn.out", "blocks.0.mlp.out"]]) {
    for (const lead of [false, true]) {
      const state = { ...LENS, off, lead };
      const result = await lensLoad({ ask, about, state });
      const { sums, id, rival, chances, before, depth } = lensView(result, state);
      assert.ok(Math.abs(sums.total - sums.logit) < 1e-4);
      const logits = vectorAt(result.now.kept.logits, 0, 3);
      const expected = logits[id] - (lead ? logits[rival] : 0);
      assert.ok(Math.abs(sums.total - expected) < 1e-4);
      for (const { hook, value } of sums.parts)
        if (off.includes(hook)) assert.equal(value, 0);
      assert.ok(Math.abs(chances.at(-1) - softmaxOf(logits)[id]) < 1e-5);
      assert.equal(depth, 2);
      if (off.length === 0) assert.equal(before, chances.at(-1));
      assert.equal(id, lensView(await lensLoad({ ask, about, state: LENS }), LENS).id);
    }
  }
});

test("the lens of a model whose stream is no sum has no parts, and still its guesses", async () => {
  const shape = { ...SHAPES.post, final_norm: true };
  const { ask, about } = await asking(shape);
  const result = await lensLoad({ ask, about, state: LENS });
  assert.equal(lensView(result, LENS).sums, null);
  assert.equal(result.cells.length, 3);
});

const TRY = {
  text: "boat",
  other: "ship",
  unit: "head",
  op: "zero",
  layer: null,
  head: null,
  neuron: null,
  place: null,
  seed: 1,
  draws: 3,
};
const trying = async (given, state) =>
  experimentLoad({ ...given, state: { ...TRY, ...state } });

test("a patch from the same text changes nothing; one of everything changes all", async () => {
  const given = await asking();
  for (const unit of ["head", "neuron", "stream"]) {
    const { effects } = await trying(given, { unit, op: "patch", other: "boat" });
    assert.equal(effects.length, 4);
    for (const { next, rise } of effects) assert.ok(next.apart === 0 && rise === 0);
  }
  // the stream leaving the last block at the last token is all that the answer knows
  const swap = { unit: "stream", op: "patch", layer: 1, other: "a ship" };
  const { effects, choice } = await trying(given, swap);
  assert.deepEqual([choice.position, choice.layer], [3, 1]);
  const { ids } = await given.ask("encode", { text: "a ship" });
  const theirs = softmaxOf(lastLogits({ ids, ...(await given.ask("run", { ids })) }));
  for (const { id, is } of effects[0].next.best) {
    assert.ok(Math.abs(is - theirs[id]) < 1e-6);
  }
});

test("a change is the model's own run with that edit, and so is each control", async () => {
  const given = await asking();
  const { effects, choice } = await trying(given, { layer: 1, head: 3, place: 2 });
  assert.deepEqual([choice.layer, choice.index, choice.position], [1, 3, 2]);
  const { ids } = await given.ask("encode", { text: "boat" });
  const before = softmaxOf(lastLogits({ ids, ...(await given.ask("run", { ids })) }));
  for (const { part, next } of effects) {
    const { layer, index: head, position } = part;
    const edits = [{ hook: `blocks.${layer}.attn.z`, op: "zero", head, position }];
    const after = softmaxOf(
      lastLogits({ ids, ...(await given.ask("run", { ids, edits })) }),
    );
    const apart = after.reduce((sum, p, id) => sum + Math.abs(p - before[id]), 0) / 2;
    assert.ok(Math.abs(next.apart - apart) < 1e-6);
    if (part !== choice) assert.ok(layer !== 1 || head !== 3);
  }
});

test("what is left open is chosen by a score", async () => {
  const given = await asking();
  const { choice, kept } = await trying(given, { unit: "neuron" });
  const sizes = [0, 1].map((layer) =>
    Math.max(...vectorAt(kept[`blocks.${layer}.mlp.post`], 0, 3).map(Math.abs)),
  );
  const post = vectorAt(kept[`blocks.${choice.layer}.mlp.post`], 0, 3);
  assert.equal(Math.abs(post[choice.index]), Math.max(...sizes));
  const { choice: asked } = await trying(given, {
    unit: "neuron",
    layer: 9,
    neuron: 4,
  });
  assert.deepEqual([asked.layer, asked.index], [1, 4]);
  const { choice: stream } = await trying(given, { unit: "stream" });
  assert.deepEqual([stream.layer, stream.position], [1, 3]);
  const { choice: first } = await trying(given, { unit: "stream", layer: 0, place: 1 });
  assert.deepEqual([first.layer, first.position], [0, 1]);
});

test("surprise is shown at the token that was guessed; one token has none", async () => {
  const given = await asking();
  const { effects } = await trying(given, { place: 2 });
  const [first, ...others] = effects[0].shift;
  assert.equal(first, null);
  assert.deepEqual(others.slice(0, 2), [0, 0]); // tokens 1 and 2 are guessed before
  assert.notEqual(others[2], 0);
  const mean = others.reduce((sum, value) => sum + value, 0) / 3;
  assert.ok(Math.abs(mean - effects[0].rise) < 1e-6);
  const alone = await trying(given, { text: "b" });
  assert.equal(alone.effects[0].rise, null);
  assert.doesNotMatch(experimentSentence(alone), /surprise|NaN|null|undefined/);
});

test("texts of unequal length: the source says what to do", async () => {
  const given = await asking();
  const patch = { op: "patch", other: "a ship" };
  await assert.rejects(trying(given, patch), /other text has 6 tokens and this one 4/);
  await trying(given, { ...patch, place: 1 });
  await assert.rejects(trying(given, { text: "" }), /no tokens/);
});

test("a patch between unequal texts says what is taken, and warns", async () => {
  const given = await asking();
  const words = ({ pieces, other, choice }) =>
    patchWords(pieces, other, alignedTexts(pieces, other, choice.position));
  const patch = { unit: "stream", op: "patch", other: "boats!" };
  const [first, warning] = words(await trying(given, { ...patch, place: 1 }));
  assert.match(first, /^Token 1 .*“o”.* takes from token 1 .*“o”/);
  assert.match(warning, /other text has 6 tokens, this one 4: .* from 4 on/);
  assert.doesNotMatch(warning, /ends/);
  const [end, more] = words(await trying(given, patch));
  assert.match(end, /^Token 3 .*“t”.* takes from token 5 .*“!”/);
  assert.match(more, /Only the ends/);
  const equal = await trying(given, { op: "patch", other: "ship" });
  assert.deepEqual(words(equal), [
    "Every token takes from the one below it, of the same number.",
    "",
  ]);
  const plain = await trying(given, {});
  assert.equal(plain.other, null);
  assert.match(experimentNote(plain, TRY), /largest of all heads/);
  assert.match(experimentNote(plain, { ...TRY, layer: 1 }), /largest of its layer/);
  assert.equal(experimentNote(plain, { ...TRY, head: 2 }), "");
});

test("an experiment says what moved most, and how many controls move as much", async () => {
  const result = await trying(await asking(), { layer: 1, head: 3 });
  const [{ next }, ...controls] = result.effects;
  const sentence = experimentSentence(result);
  const larger = controls.filter((one) => one.next.apart >= next.apart).length;
  assert.ok(sentence.startsWith("With head 3 of layer 1 set to zero at every token, "));
  assert.ok(
    sentence.includes(`${(100 * next.apart).toFixed(1)}\u202f% of the chances move`),
  );
  assert.ok(sentence.includes(`Of 3 controls, ${larger || "none"} move`));
  const { columns, rows } = experimentTable(result);
  assert.ok(rows.every((row) => row.length === columns.length));
});

test("small things: signs, and tokens beyond the tokenizer", () => {
  assert.deepEqual(
    [0.5, -0.5, 0.001, -0.001].map((x) => showSigned(x)),
    ["+0.50", "\u22120.50", "0.00", "0.00"],
  );
  assert.deepEqual(tokenPiece({ vocabulary: ["a"] }, 0), { id: 0, text: "a" });
  assert.deepEqual(tokenPiece({ vocabulary: ["a"] }, 7), { id: 7, text: "#7" });
});
