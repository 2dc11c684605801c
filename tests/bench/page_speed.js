/** How fast the engine is where it is used: run by tests/bench/bench_page.py in a page. */

import { KVCache } from "../../minigpt_edu/viz/js/core/kv_cache.js";
import { EngineSource } from "../../minigpt_edu/viz/js/host/engine_source.js";
import { Shelf } from "../../minigpt_edu/viz/js/host/weights.js";

/** Milliseconds: of the loading, and the best and the median of each round. */
async function pageSpeed(rounds) {
  const clock = () => performance.now();
  let start = clock();
  const loaded = await new Shelf(document, document.baseURI).take("reader");
  const load = clock() - start;
  const { model } = loaded;
  const { vocab_size, block_size } = model.config;
  const ids = Array.from({ length: block_size }, (_, i) => (i * 389 + 7) % vocab_size);
  const oneByOne = () => {
    const cache = new KVCache(model.config);
    for (let t = 1; t <= block_size; t++) model.feed(ids.slice(0, t), cache);
  };
  const text = ids.slice(0, 64), keep = ["*.attn.pattern", "*.attn.scores", "*.attn.z"];
  const source = new EngineSource("reader", loaded);
  let last = 0;
  const typed = async () => {
    last = (last + 1) % vocab_size;
    await source.answer("run", { ids: [...text.slice(0, 63), last], keep });
  };
  const fresh = () => new EngineSource("reader", loaded).answer("run", { ids: text, keep });
  const times = {};
  for (const [name, call] of Object.entries({ oneByOne, fresh, typed })) {
    await call();
    times[name] = [];
    for (let round = 0; round < rounds; round++) {
      start = clock();
      await call();
      times[name].push(clock() - start);
    }
    times[name].sort((a, b) => a - b);
  }
  return { load, tokens: block_size, times };
}

globalThis.pageSpeed = pageSpeed;
