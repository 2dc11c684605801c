/**
 * Answers questions of the Python tests: one JSON array [name, ...args] a line in, one
 * {result} or {error} a line out. Numbers that JSON lacks travel as strings.
 */

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

import { ByteBPE, splitWords } from "../../../minigpt_edu/viz/js/core/bpe.js";
import { loadCheckpoint } from "../../../minigpt_edu/viz/js/core/checkpoint.js";
import { makeConfig } from "../../../minigpt_edu/viz/js/core/config.js";
import { HOOK_CONDITIONS, hookNames } from "../../../minigpt_edu/viz/js/core/hook_names.js";
import { selectHooks } from "../../../minigpt_edu/viz/js/core/listener.js";
import { closeMatches, globPattern } from "../../../minigpt_edu/viz/js/core/names.js";
import { Mulberry32, drawId } from "../../../minigpt_edu/viz/js/core/rng.js";
import { Sampler } from "../../../minigpt_edu/viz/js/core/sampling.js";
import { StreamDecoder, bytesText } from "../../../minigpt_edu/viz/js/core/utf8.js";
import { EngineSource } from "../../../minigpt_edu/viz/js/host/engine_source.js";

let tokenizer = new ByteBPE([]);
let source = null;
const floats = (numbers) => Float32Array.from(numbers, Number); // "-Infinity" too

const answers = {
  load(text) {
    tokenizer = ByteBPE.fromJson(text);
    return { size: tokenizer.vocabSize, special: [...tokenizer.special] };
  },
  encode: (text, allowSpecial) => tokenizer.encode(text, { allowSpecial }),
  words: splitWords,
  steps: (word) => [...tokenizer.steps(word)],
  decode: (ids) => tokenizer.decode(ids),
  bytes: (id) => [...tokenizer.tokenBytes(id)],
  pieces(ids) {
    const stream = new StreamDecoder(tokenizer);
    return [...ids.map((id) => stream.push(id)), stream.flush()];
  },
  text: (bytes) => bytesText(Uint8Array.from(bytes)),
  /** Characters that the property holds for, as code points. */
  characters(property) {
    const pattern = new RegExp(property, "u"), found = [];
    for (let code = 0; code < 0x110000; code++) {
      if (pattern.test(String.fromCodePoint(code))) found.push(code);
    }
    return found;
  },
  checkpoint(path, text) {
    const loaded = loadCheckpoint(readFileSync(path));
    return { info: loaded.info, ids: loaded.tokenizer?.encode(text) };
  },
  source(name, path) {
    source = new EngineSource(name, loadCheckpoint(readFileSync(path)));
    return source.name;
  },
  /** What a figure is told: JSON values, and each array as [shape, numbers]. */
  async ask(method, args) {
    const { values, arrays } = await source.answer(method, args);
    const listed = Object.entries(arrays);
    const told = listed.map(([name, { data, shape }]) => [name, shape, [...data]]);
    return { values, arrays: told };
  },
  config: (values) => makeConfig(values),
  hookNames: (values) => hookNames(makeConfig(values)),
  conditions: () => Object.keys(HOOK_CONDITIONS),
  select: (pattern, values) => selectHooks(pattern, hookNames(makeConfig(values))),
  close: (word, names, count, cutoff) => closeMatches(word, names, count, cutoff),
  glob: (pattern, names) => names.filter((name) => globPattern(pattern).test(name)),
  uniform(seed, count) {
    const random = new Mulberry32(seed);
    return Array.from({ length: count }, () => random.uniform());
  },
  draw: (probs, u) => drawId(floats(probs), u),
  explain: (knobs) => Sampler.of(knobs).rules.map((rule) => rule.explain()),
  sample(logits, knobs, seen, count) {
    const sampler = Sampler.of(knobs), values = floats(logits);
    const stages = sampler.stages(values, seen);
    return {
      stages: stages.map(({ name, probs }) => [name, [...probs]]),
      ids: Array.from({ length: count }, () => sampler.choose(values, seen)),
    };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const [name, ...args] = JSON.parse(line);
    answer = { result: await answers[name](...args) };
  } catch (error) {
    answer = { error: error.message };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
