/**
 * How fast the page's engine is, on the reader's shape with random weights.
 *
 *     node tests/bench/bench_engine.mjs
 *
 * Runs in a browser too, as a module of a page that shows the console. Nothing is
 * asserted: speeds are for people.
 */

import { makeConfig } from "../../minigpt_edu/viz/js/core/config.js";
import { KVCache } from "../../minigpt_edu/viz/js/core/kv_cache.js";
import { GPT } from "../../minigpt_edu/viz/js/core/model.js";
import { Mulberry32 } from "../../minigpt_edu/viz/js/core/rng.js";

const READER = {
  vocab_size: 1024, block_size: 256, n_layer: 5, n_head: 4, n_kv_head: 2, n_embd: 128,
  position: "rope", norm: "rms", mlp: "swiglu", bias: false,
};
const ROUNDS = 9;

const random = new Mulberry32(7);
const weights = {
  count: 0,
  take(name, shape) {
    const size = shape.reduce((product, axis) => product * axis, 1);
    const value = () => (shape.length === 1 ? 1 : 0.1 * (random.uniform() - 0.5));
    this.count += size;
    return Float32Array.from({ length: size }, value);
  },
  finish() {},
};
const model = new GPT(makeConfig(READER), weights);
const ids = Array.from({ length: 256 }, () => Math.floor(1024 * random.uniform()));

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
  for (let t = 1; t <= 256; t++) model.feed(ids.slice(0, t), cache);
}

const typed = new KVCache(model.config);
const short = ids.slice(0, 64), other = [...ids.slice(0, 63), 5];
let turn = 0;

console.log(`${model.numParams.toLocaleString("en")} parameters, ${ROUNDS} rounds`);
report("256 tokens one by one, logits after each", 256, timed(oneByOne));
report("256 tokens at once", 256, timed(() => model.feed(ids, new KVCache(model.config))));
report("64 tokens at once", 64, timed(() => model.feed(short, new KVCache(model.config))));
report("run, 64 tokens, logits of all", 64, timed(() => model.run(short)));
report("run, 64 tokens, every hook", 64, timed(() => model.run(short, { keep: "*" })));
report(
  "the last of 64 tokens typed anew",
  1,
  timed(() => model.feed(turn++ % 2 === 0 ? short : other, typed)),
);
