/** Files: what is well made is read exactly, and what is damaged is refused. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { CheckpointError, loadCheckpoint } from "../../../minigpt_edu/viz/js/core/checkpoint.js";
import { makeConfig } from "../../../minigpt_edu/viz/js/core/config.js";
import { floatTensor, readSafetensors } from "../../../minigpt_edu/viz/js/core/safetensors.js";
import { ByteBPE } from "../../../minigpt_edu/viz/js/core/bpe.js";
import { readTokenizerJson } from "../../../minigpt_edu/viz/js/core/tokenizer_json.js";
import { StreamDecoder, utf8Bytes } from "../../../minigpt_edu/viz/js/core/utf8.js";
import { WeightTable } from "../../../minigpt_edu/viz/js/core/weights.js";

/** A file of these tensors, one after the other; `padding` spaces end the header. */
function fileOf(tensors, metadata = {}, padding = 0) {
  const header = { __metadata__: metadata };
  let end = 0;
  for (const [name, { dtype, shape, bytes }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [end, end + bytes.length] };
    end += bytes.length;
  }
  const parts = Object.values(tensors).map(({ bytes }) => bytes);
  return fileFrom(JSON.stringify(header) + " ".repeat(padding), parts);
}

function fileFrom(header, parts = []) {
  const text = new TextEncoder().encode(header), length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(text.length), true);
  return Uint8Array.from([length, text, ...parts].flatMap((part) => [...part]));
}

function stored(dtype, shape, numbers) {
  return { dtype, shape, bytes: new Uint8Array(numbers.buffer) };
}

test("numbers are read at any offset, and from a view into a bigger buffer", () => {
  const numbers = Float32Array.of(1.5, -2, 3e-40, Infinity);
  for (let odd = 0; odd < 8; odd++) {
    const tensors = {
      flag: stored("U8", [odd], new Uint8Array(odd)),
      weight: stored("F32", [2, 2], numbers),
    };
    const file = fileOf(tensors, { a: "b" }, odd);
    const inside = new Uint8Array(file.length + odd);
    inside.set(file, odd);
    for (const given of [file, file.buffer, inside.subarray(odd)]) {
      const read = readSafetensors(given);
      assert.deepEqual(floatTensor(read.tensors.get("weight")).data, numbers);
      assert.deepEqual(read.tensors.get("weight").shape, [2, 2]);
      assert.deepEqual(read.metadata, { a: "b" });
    }
  }
});

test("every half-precision number is widened exactly", () => {
  const halves = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const file = fileOf({ h: stored("F16", [65536], halves) });
  const { data } = floatTensor(readSafetensors(file).tensors.get("h"));
  for (let i = 0; i < 65536; i++) {
    const sign = i & 0x8000 ? -1 : 1, exponent = (i >> 10) & 31, fraction = i & 1023;
    const finite = exponent === 0
      ? fraction * 2 ** -24
      : (1 + fraction / 1024) * 2 ** (exponent - 15);
    const value = exponent < 31 ? finite : fraction ? NaN : Infinity;
    assert.ok(Object.is(data[i], exponent === 31 && fraction ? NaN : sign * value));
  }
});

test("bfloat16 is the upper half of a float32", () => {
  const numbers = Float32Array.of(1, -0.15625, 3.0e38);
  const upper = Uint16Array.from(new Uint32Array(numbers.buffer), (bits) => bits >>> 16);
  const file = fileOf({ b: stored("BF16", [3], upper) });
  const { data } = floatTensor(readSafetensors(file).tensors.get("b"));
  numbers.forEach((value, i) => assert.ok(Math.abs(data[i] / value - 1) < 2 ** -7));
});

test("an empty file of tensors, a tensor without axes and one without numbers", () => {
  assert.equal(readSafetensors(fileFrom("{}")).tensors.size, 0);
  const tensors = {
    one: stored("F32", [], Float32Array.of(2)),
    none: stored("F32", [0, 3], new Float32Array(0)),
  };
  const read = readSafetensors(fileOf(tensors)).tensors;
  assert.deepEqual(floatTensor(read.get("one")), { data: Float32Array.of(2), shape: [] });
  assert.equal(floatTensor(read.get("none")).data.length, 0);
});

const WEIGHT = stored("F32", [2], Float32Array.of(1, 2));

function headerWith(entry) {
  return fileFrom(JSON.stringify({ w: entry }), [WEIGHT.bytes]);
}

test("damage is refused, with the reason", () => {
  const whole = fileOf({ w: WEIGHT });
  const refused = (file, reason) => assert.throws(() => readSafetensors(file), reason);
  refused(new Uint8Array(0), /0 bytes hold no header/);
  refused(new Uint8Array(7), /7 bytes hold no header/);
  refused(whole.subarray(0, 20), /header should have \d+ bytes and only 12 follow/);
  refused(whole.subarray(0, whole.length - 1), /cut short: w ends at byte 8 of 7/);
  refused(Uint8Array.of(...whole, 0), /9 bytes of numbers and its header describes 8/);
  refused(new TextEncoder().encode("<!doctype html><p>Not found"), /cut short/);
  refused(fileFrom("{"), /not JSON/);
  refused(fileFrom("[]"), /no JSON object/);
  refused(fileFrom("null"), /no JSON object/);
  refused(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0xff), /not JSON/);
  refused(headerWith(null), /does not describe w/);
  refused(headerWith({ dtype: "F12", shape: [2], data_offsets: [0, 8] }), /describe w/);
  refused(headerWith({ dtype: "F32", shape: [-2], data_offsets: [0, 8] }), /describe w/);
  refused(headerWith({ dtype: "F32", shape: [2], data_offsets: [0] }), /describe w/);
  refused(headerWith({ dtype: "F32", shape: [2], data_offsets: [4, 0] }), /needs 8/);
  refused(headerWith({ dtype: "F32", shape: [3], data_offsets: [0, 8] }), /needs 12/);
  refused(headerWith({ dtype: "F32", shape: [1], data_offsets: [0, 8] }), /needs 4/);
  refused(headerWith({ dtype: "toString", shape: [], data_offsets: [0, 8] }), /describe/);
  const whole64 = stored("I64", [1], new Float64Array(1));
  const integers = readSafetensors(fileOf({ n: whole64 })).tensors.get("n");
  assert.throws(() => floatTensor(integers), /n is stored as I64/);
});

test("one flipped bit in the header never gets past unnoticed as another error", () => {
  const whole = fileOf({ w: WEIGHT }, { format: "x" });
  for (let at = 0; at < whole.length - 8; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const damaged = whole.slice();
      damaged[at] ^= 1 << bit;
      try {
        readSafetensors(damaged);
      } catch (error) {
        assert.match(error.message, /safetensors file|header|cut short/);
      }
    }
  }
});

const CONFIG = {
  vocab_size: 5, block_size: 4, n_layer: 1, n_head: 1, n_embd: 2, n_hidden: 3,
  position: "none", norm: "rms", bias: false, attn_output: false, final_norm: false,
};
const WEIGHTS = {
  "token_embedding.weight": [5, 2], "blocks.0.norm1.weight": [2],
  "blocks.0.attn.query.weight": [2, 2], "blocks.0.attn.key.weight": [2, 2],
  "blocks.0.attn.value.weight": [2, 2], "blocks.0.norm2.weight": [2],
  "blocks.0.mlp.up.weight": [3, 2], "blocks.0.mlp.down.weight": [2, 3],
};

function checkpointFile({ weights = WEIGHTS, config = CONFIG, ...changes } = {}) {
  const entries = Object.entries(weights).map(([name, shape]) => {
    const size = shape.reduce((product, axis) => product * axis, 1);
    return [`model.${name}`, stored("F32", shape, new Float32Array(size).fill(0.5))];
  });
  const metadata = {
    format: "minigpt_edu/1", config: JSON.stringify(config), meta: '{"step": 3}',
    sha256: "abc", ...changes,
  };
  return fileOf(Object.fromEntries(entries), metadata);
}

test("a checkpoint says what it is; without a tokenizer it has none", () => {
  const file = checkpointFile();
  const { model, tokenizer, info } = loadCheckpoint(file);
  assert.equal(tokenizer, null);
  assert.equal(model.numParams, 10 + 2 + 12 + 2 + 12);
  assert.deepEqual(info.meta, { step: 3 });
  assert.deepEqual([info.sha256, info.sizeBytes], ["abc", file.length]);
  assert.equal(model.run([1, 2]).logits.shape.join(), "1,2,5");
});

test("a checkpoint that does not fit together is refused", () => {
  const refused = (changes, reason) =>
    assert.throws(
      () => loadCheckpoint(checkpointFile(changes)),
      (error) => error instanceof CheckpointError && reason.test(error.message),
    );
  const { "blocks.0.mlp.up.weight": up, ...without } = WEIGHTS;
  refused({ weights: without }, /there is no blocks.0.mlp.up.weight \[3, 2\]/);
  refused({ weights: { ...WEIGHTS, "head.weight": up } }, /no place for head.weight/);
  const turned = { ...WEIGHTS, "blocks.0.mlp.down.weight": [3, 2] };
  refused({ weights: turned }, /down.weight is \[3, 2\], and .* asks for \[2, 3\]/);
  refused({ format: "other/2" }, /"other\/2", expected "minigpt_edu\/1"/);
  refused({ config: { ...CONFIG, n_heads: 1 } }, /no field "n_heads": .*"n_head"/);
  refused({ meta: "{" }, /not a usable checkpoint/);
  assert.throws(() => loadCheckpoint(new Uint8Array(3)), CheckpointError);
});

test("configs that contradict themselves are refused", () => {
  const refused = (changes, reason) =>
    assert.throws(() => makeConfig({ vocab_size: 9, ...changes }), reason);
  assert.throws(() => makeConfig({}), /vocab_size is missing/);
  refused({ n_embd: 10, n_head: 4 }, /n_embd=10 must be a multiple of n_head=4/);
  refused({ n_head: 4, n_kv_head: 3 }, /n_head=4 must be a multiple of n_kv_head=3/);
  refused({ position: "rope", head_dim: 5 }, /head_dim=5 must be even/);
  refused({ attn_output: false, head_dim: 5 }, /joined heads \(4 x 5\)/);
  refused({ parallel_block: true, norm_position: "post" }, /needs norm_position="pre"/);
  refused({ mlp: "tanh" }, /mlp="tanh": choose one of gelu, relu/);
  refused({ n_layer: 0 }, /n_layer=0 must be a whole number/);
  refused({ n_embd: null }, /n_embd=null/);
  refused({ attn_softcap: 0 }, /attn_softcap=0 must be above 0/);
  refused({ norm_eps: 0 }, /norm_eps=0/);
});

test("a weight table is used up, or says what is left", () => {
  const weight = { data: new Float32Array(2), shape: [2] };
  const table = new WeightTable(new Map([["a", weight]]));
  assert.throws(() => table.finish(), /no place for a$/);
  assert.equal(table.take("a", [2]).length, 2);
  table.finish();
});

test("a tokenizer of another kind is refused, with the reason", () => {
  const refused = (data, reason) =>
    assert.throws(() => readTokenizerJson(JSON.stringify(data)), reason);
  assert.throws(() => readTokenizerJson("{"), /no tokenizer that the page can read/);
  refused({ kind: "char" }, /of the kind "char"/);
  const words = { type: "WordPiece", vocab: {}, merges: [] };
  refused({ model: words, added_tokens: [] }, /WordPiece instead of BPE/);
  assert.throws(() => new ByteBPE([[4, 260]]), /merge 0 joins the ids 4 and 260/);
  assert.throws(() => new ByteBPE([[3, 4]]), /from 4 to 259/);
});

test("a tokenizer without merges reads bytes", () => {
  const tokenizer = new ByteBPE([]);
  assert.deepEqual(tokenizer.encode("é!"), [4 + 0xc3, 4 + 0xa9, 4 + 33]);
  assert.equal(tokenizer.decode(tokenizer.encode("\ufeffa\ud83d\ude00")), "\ufeffa😀");
  assert.deepEqual(tokenizer.encode("<|eos|>", { allowSpecial: true }), [3]);
  assert.equal(tokenizer.encode("<|eos|>").length, 7);
  const nested = new ByteBPE([], ["<|a|>", "<|a|>x"]);
  assert.deepEqual(nested.encode("<|a|>x<|a|>", { allowSpecial: true }), [261, 260]);
  assert.throws(() => tokenizer.tokenBytes(260), /id 260 .* of 260 tokens.*0 to 259/);
  assert.throws(() => tokenizer.decode([-1]), /id -1/);
  assert.throws(() => utf8Bytes("a😀\udc00"), /character 2 of 3 .* U\+DC00/);
});

test("a character that arrives in pieces is shown when it is whole", () => {
  const tokenizer = new ByteBPE([]), stream = new StreamDecoder(tokenizer);
  const pieces = tokenizer.encode("é€😀").map((id) => stream.push(id));
  assert.deepEqual(pieces, ["", "é", "", "", "€", "", "", "", "😀"]);
  assert.equal(stream.push(4 + 0xf0) + stream.flush(), "\ufffd");
});

test("a word of a million letters is encoded in good time", () => {
  const tokenizer = new ByteBPE([[101, 101], [260, 260], [261, 101]]);
  const ids = tokenizer.encode("a".repeat(1_000_001));
  assert.equal(ids.length, 250_000);
  assert.equal(ids.at(-1), 262);
});
