/**
 * How fast the page's engine is on the reader's model.
 *
 *     node tests/bench/bench_engine.mjs [checkpoint.safetensors]
 *
 * The text is tokens at random: what is computed does not depend on what they say.
 * Nothing is asserted: speeds are for people. In a browser: tests/bench/bench_page.py.
 */

import { readFileSync } from "node:fs";

import { loadCheckpoint } from "../../minigpt_edu/viz/js/core/checkpoint.js";
import { KVCache } from "../../minigpt_edu/viz/js/core/kv_cache.js";
import { Reader } from "../../minigpt_edu/viz/js/core/reader.js";
import { Mulberry32 } from "../../minigpt_edu/viz/js/core/rng.js";

const SHIPPED = new URL("../../data/models/reader.safetensors", import.meta.url);
const ROUNDS = 9;

const random = new Mulberry32(7);
const { model } = loadCheckpoint(readFileSync(process.argv[2] ?? SHIPPED));
const { vocab_size, block_size } = model.config;
const ids = Array.from({ length: block_size }, () => Math.floor(vocab_size * random.uniform()));

/** Milliseconds of a call: the median and the best of several, after one to warm up. */
function timed(call) {
  call();
  const times = Array.from({ length: ROUNDS }, () => {
    const start = performance.now();
    call();
    return performance.now() - start;
  });
  times.sort((a, b) => a - b);
  return { median: times[ROUNDS >> 1], best: times[0] };
}

function report(what, count, { median, best }) {
  const speed = (ms) => Math.round((1000 * count) / ms);
  console.log(
    `${what}: ${median.toFixed(1)} ms, ${speed(median)} tokens/s ` +
      `(best ${best.toFixed(1)} ms, ${speed(best)} tokens/s)`,
  );
}

function oneByOne() {
  const cache = new KVCache(model.config);
  for (let t = 1; t <= ids.length; t++) model.feed(ids.slice(0, t), cache);
}

const typed = new KVCache(model.config), reader = new Reader(model);
const short = ids.slice(0, 64), other = [...ids.slice(0, 63), 5];
const turns = (call) => {
  let turn = 0;
  return () => call(turn++ % 2 === 0 ? short : other);
};
const all = ids.length;

console.log(`${model.numParams.toLocaleString("en")} parameters, ${ROUNDS} rounds`);
report(`${all} tokens one by one, logits after each`, all, timed(oneByOne));
report(`${all} tokens at once`, all, timed(() => model.feed(ids, new KVCache(model.config))));
report("64 tokens at once", 64, timed(() => model.feed(short, new KVCache(model.config))));
report("run, 64 tokens, logits of all", 64, timed(() => model.run(short)));
report("run, 64 tokens, every hook", 64, timed(() => model.run(short, { keep: "*" })));
report("the last of 64 tokens typed anew", 1, timed(turns((text) => model.feed(text, typed))));
report(
  "the same, with every hook of all 64",
  1,
  timed(turns((text) => reader.run(text, { keep: "*" }))),
);
