/** Laws of the figures' parts that need no page: numbers, tokens, colours, calls. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { checkLength, checkPlace } from "../../../minigpt_edu/viz/js/ui/limits.js";
import { Caller, Outdated, withArrays } from "../../../minigpt_edu/viz/js/ui/call.js";
import { showCount, showLoosely, showNumber, showPercent, showShare } from "../../../minigpt_edu/viz/js/ui/format.js";
import { heldIn, movedBy } from "../../../minigpt_edu/viz/js/ui/grid_keys.js";
import { pieceName, pieceParts } from "../../../minigpt_edu/viz/js/ui/pieces.js";
import { colourOf, inkOn, luminanceOf, parseColour, placeOnScale, roundedUp, signedScale } from "../../../minigpt_edu/viz/js/ui/scale.js";
import { PageStore } from "../../../minigpt_edu/viz/js/ui/store.js";

const shown = (piece) => pieceParts(piece).map((part) => part.text).join("");

test("numbers have a true minus and no minus zero", () => {
  assert.equal(showNumber(-1.204), "\u22121.20");
  assert.equal(showNumber(-0.001), "0.00");
  assert.equal(showNumber(NaN), "NaN");
  assert.equal(showNumber(-Infinity), "\u2212\u221e");
  assert.equal(showNumber(123456), "1.2e5");
  assert.equal(showCount(1023360), "1,023,360");
});

test("a share that is there is never written as nothing", () => {
  assert.equal(showShare(0), "0.00");
  assert.equal(showShare(0.0049), "<0.01");
  assert.equal(showShare(0.0051), "0.01");
  assert.equal(showShare(0.0004, 3), "<0.001");
  assert.equal(showPercent(0.004), "<1\u202f%");
  assert.equal(showPercent(0.444), "44\u202f%");
});

test("loosely, three digits count, whatever the size", () => {
  const all = [7223.19, 16294.13, 44.44, 2.8, 0.0137];
  assert.deepEqual(all.map(showLoosely), ["7,220", "16,300", "44.4", "2.80", "0.0137"]);
  assert.equal(showLoosely(0), "0.000");
  assert.equal(showLoosely(Infinity), "\u221e");
});

test("spaces, breaks and bytes of a token are seen", () => {
  assert.equal(shown({ text: " boat" }), "\u00b7boat");
  assert.equal(shown({ text: "\n\t" }), "\u21b5\u21e5");
  assert.equal(shown({ text: "<c3><a9>", bytes: [0xc3, 0xa9] }), "c3a9");
  assert.equal(shown({ text: "<b>", bytes: [0x3c, 0x62, 0x3e] }), "<b>");
  assert.equal(shown({ text: "" }), "\u2205");
  const end = { text: "<|eos|>", special: true };
  assert.deepEqual(pieceParts(end), [{ text: "<|eos|>", mark: true }]);
});

test("what a token means is kept apart from what was typed like it", () => {
  const typed = { text: "<c3>", bytes: [0x3c, 0x63, 0x33, 0x3e] };
  assert.deepEqual(pieceParts(typed), [{ text: "<c3>", mark: false }]);
  assert.deepEqual(pieceParts({ text: "\u00b7" }), [{ text: "\u00b7", mark: false }]);
  assert.deepEqual(pieceParts({ text: " " }), [{ text: "\u00b7", mark: true }]);
});

test("no token can turn or hide the line it stands in", () => {
  assert.equal(shown({ text: "a\u202eb" }), "aU+202Eb");
  assert.equal(shown({ text: "\u200d" }), "U+200D");
  assert.equal(shown({ text: "\u0007" }), "U+0007");
  assert.equal(shown({ text: "\u0301" }), "\u25cc\u0301");
  for (let code = 0; code < 0x3000; code++) {
    const text = String.fromCodePoint(code);
    assert.doesNotMatch(shown({ text }), /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u);
  }
});

test("letters that belong together stay in one part", () => {
  const family = "\u{1f469}\u200d\u{1f467}", hand = "\u270b\u{1f3fd}";
  for (const text of ["e\u0301", family, hand, "\u05e9", `${family}${hand}a`]) {
    assert.deepEqual(pieceParts({ text }), [{ text, mark: false }]);
  }
  assert.equal(shown({ text: "\r\n" }), "\u240d\u21b5");
});

test("a token has a name in a sentence", () => {
  assert.equal(pieceName({ text: " boat" }), "\u2068\u201c\u00b7boat\u201d\u2069");
  assert.equal(pieceName({ text: "boat" }), "\u2068\u201cboat\u201d\u2069");
  assert.equal(pieceName({ text: "\n" }), "the line break");
  assert.equal(pieceName({ text: " " }), "the space");
  assert.equal(pieceName({ text: "<c3>", bytes: [0xc3] }), "the byte c3");
  assert.equal(pieceName("all others"), "all others");
});

test("the keys of a grid stay inside it", () => {
  assert.deepEqual(movedBy("ArrowDown", [0, 3], 9, 9), [1, 3]);
  assert.deepEqual(movedBy("ArrowUp", [0, 3], 9, 9), [0, 3]);
  assert.deepEqual(movedBy("ArrowRight", [2, 8], 9, 9), [2, 8]);
  assert.deepEqual(movedBy("End", [2, 0], 3, 7), [2, 6]);
  assert.deepEqual(movedBy("Home", [2, 5], 3, 7), [2, 0]);
  assert.equal(movedBy("Enter", [0, 0], 3, 3), null);
  assert.equal(heldIn(9, 4), 3);
});

const PAINT = {
  share: ["#ffffff", "#7f7f7f", "#000000"].map(parseColour),
  signed: ["#ff0000", "#ffffff", "#0000ff"].map(parseColour),
};

test("a scale holds its ends and its middle", () => {
  assert.deepEqual(colourOf(0, { kind: "share" }, PAINT), [255, 255, 255]);
  assert.deepEqual(colourOf(2, { kind: "share" }, PAINT), [0, 0, 0]);
  assert.deepEqual(colourOf(0, { kind: "signed", limit: 3 }, PAINT), [255, 255, 255]);
  assert.deepEqual(colourOf(-9, { kind: "signed", limit: 3 }, PAINT), [255, 0, 0]);
  assert.equal(placeOnScale(NaN, { kind: "share" }), 0);
  const places = [-3, -1, 0, 2, 3].map((x) => placeOnScale(x, { kind: "signed", limit: 3 }));
  assert.deepEqual(places, [...places].sort((a, b) => a - b));
});

test("a number on any colour can be read", () => {
  const contrast = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  for (let r = 0; r < 256; r += 15) {
    for (let g = 0; g < 256; g += 15) {
      for (let b = 0; b < 256; b += 15) {
        const ink = inkOn([r, g, b]) === "#fff" ? 1 : 0;
        assert.ok(contrast(ink, luminanceOf([r, g, b])) >= 4.5, `${r} ${g} ${b}`);
      }
    }
  }
});

test("a signed scale is one step larger than its numbers, for all of them", () => {
  assert.equal(signedScale([1, -7.2], [3]).limit, 8);
  assert.equal(signedScale([0, 0]).limit, 1);
  assert.equal(signedScale([NaN, Infinity, 2]).limit, 2);
  for (const value of [0.003, 0.9, 1, 14.9, 66]) {
    assert.ok(roundedUp(value) >= value * 0.9999 && roundedUp(value) <= 1.6 * value);
  }
});

/** A model that lets the test answer by hand. */
class Host {
  constructor() {
    this.sent = [];
    this.listeners = new Set();
  }

  on(event, listener) {
    this.listeners.add(listener);
  }

  off(event, listener) {
    this.listeners.delete(listener);
  }

  send(call) {
    this.sent.push(call);
  }

  answer(call, content, buffers) {
    for (const listener of this.listeners) listener({ id: call.id, ...content }, buffers);
  }
}

test("of each method only the latest question is answered", async () => {
  const host = new Host(), caller = new Caller(host);
  const first = caller.ask("run", { ids: [1] });
  const other = caller.ask("encode", { text: "a" });
  const second = caller.ask("run", { ids: [2] });
  await assert.rejects(first, Outdated);
  const [old, encode, fresh] = host.sent;
  host.answer(old, { result: { ids: [1] } });
  host.answer(fresh, { result: { ids: [2] } });
  host.answer(encode, { result: { ids: [9] } });
  assert.deepEqual(await second, { ids: [2] });
  assert.deepEqual(await other, { ids: [9] });
  assert.equal(new Set(host.sent.map((call) => call.id)).size, 3);
});

test("two figures of one model do not hear each other's answers", async () => {
  const host = new Host(), one = new Caller(host), two = new Caller(host);
  const asked = [one.ask("encode", {}), two.ask("encode", {})];
  host.answer(host.sent[1], { result: 2 });
  host.answer(host.sent[0], { result: 1 });
  assert.deepEqual(await Promise.all(asked), [1, 2]);
});

test("an error is the sentence that came; a closed caller listens no more", async () => {
  const host = new Host(), caller = new Caller(host);
  const asked = caller.ask("encode", {});
  host.answer(host.sent[0], { error: "65 tokens: at most 64" });
  await assert.rejects(asked, { message: "65 tokens: at most 64" });
  const waiting = caller.ask("about");
  caller.close();
  await assert.rejects(waiting, Outdated);
  assert.equal(host.listeners.size, 0);
});

test("buffers become arrays by name, aligned or not", () => {
  const numbers = Float32Array.of(0.5, -2, 3);
  const odd = new Uint8Array(13);
  odd.set(new Uint8Array(numbers.buffer), 1);
  const view = new DataView(odd.buffer, 1, 12);
  const result = { ids: [4], arrays: [{ name: "q", shape: [3] }, { name: "k", shape: [3] }] };
  const { ids, arrays } = withArrays(result, [view, numbers.buffer]);
  assert.deepEqual(ids, [4]);
  assert.deepEqual([...arrays.q.data], [0.5, -2, 3]);
  assert.deepEqual([...arrays.k.data], [0.5, -2, 3]);
});

test("figures of one text hear each other, figures of another text do not", () => {
  const store = new PageStore(), heard = [];
  const stop = store.follow("a", (position, from) => heard.push([position, from]));
  store.follow("b", () => heard.push("b"));
  store.choose("a", 3, "me");
  stop();
  store.choose("a", 4, "me");
  assert.deepEqual(heard, [[3, "me"]]);
  assert.equal(store.listeners.has("a"), false);
});

test("a text without tokens, one too long, and places that are not there", () => {
  assert.throws(() => checkLength(0, 4), /type a word/);
  assert.throws(() => checkLength(5, 4), /5 tokens are more than the 4/);
  checkLength(4, 4);
  const config = { n_layer: 5, n_head: 4 };
  assert.throws(() => checkPlace({ layer: 5 }, config), /no layer 5: .* layers 0 to 4/);
  assert.throws(() => checkPlace({ head: 4 }, config), /no head 4: .* heads 0 to 3/);
  checkPlace({ layer: 4, head: 3 }, config);
  checkPlace({ layer: null, head: null }, config);
  checkPlace({ layer: 9 }, null); // a figure without a model
});
