/**
 * One token after another: each with its probability, and what else was likely.
 *
 *     for (const step of stream(model, ids, { maxNew: 20, candidates: 5 })) ...
 *
 * A generator: who consumes it decides when the next token is computed, and can pause
 * between two of them to let the page breathe.
 */

import { KVCache } from "./kv_cache.js";
import { logSumExp } from "./ops.js";
import { Sampler, ranked } from "./sampling.js";

/**
 * `logprob` (nats) and `candidates` (id and probability, likeliest first) come from the
 * model, before the sampler's rules. `cached` tokens were kept when the id was chosen.
 * `ending` is "" until the last token; then "stop", "length" or "context".
 * @typedef {{id: number, logprob: number, candidates: [number, number][],
 *   cached: number, ending: "" | "stop" | "length" | "context"}} TokenStep
 */

/**
 * The continuation of `ids`, token by token; greedy without a sampler. Ends after
 * `maxNew` tokens, after a token of `stop` (which is given too), or when the context is
 * full. With the `cache` of an earlier text, what both begin with is not read again.
 * Throws, before any work, for a prompt that cannot be continued.
 * @param {import("./model.js").GPT} model @param {ArrayLike<number>} ids
 * @param {{maxNew?: number, sampler?: Sampler, stop?: Iterable<number>,
 *   candidates?: number, cache?: KVCache}} [options]
 * @returns {Generator<TokenStep>}
 */
export function stream(model, ids, options = {}) {
  const { maxNew = 64, candidates = 0, stop = [] } = options;
  const { sampler = Sampler.of({ temperature: 0 }) } = options;
  const { cache = new KVCache(model.config) } = options;
  const { vocab_size } = model.config;
  model.checkReadable(ids, cache);
  if (!(Number.isInteger(maxNew) && maxNew >= 0)) {
    throw new Error(`maxNew=${maxNew} must be 0 or more`);
  }
  if (!(Number.isInteger(candidates) && candidates >= 0 && candidates <= vocab_size)) {
    throw new Error(
      `candidates=${candidates} must be 0 to ${vocab_size}, the vocabulary's size`,
    );
  }
  const plan = { maxNew, sampler, stop: new Set(stop), candidates, cache };
  return streamSteps(model, Array.from(ids), plan);
}

/** The loop itself, for arguments that were checked. @returns {Generator<TokenStep>} */
function* streamSteps(model, seen, { maxNew, sampler, stop, candidates, cache }) {
  for (let count = 1; count <= maxNew; count++) {
    const logits = model.feed(seen, cache);
    const id = sampler.choose(logits, seen);
    const total = logSumExp(logits, 0, logits.length);
    const best = candidates === 0 ? [] : ranked(logits).subarray(0, candidates);
    /** @type {[number, number][]} */
    const likeliest = Array.from(best, (one) => [one, Math.exp(logits[one] - total)]);
    /** @type {TokenStep["ending"]} */
    let ending = "";
    if (stop.has(id)) ending = "stop";
    else if (count === maxNew) ending = "length";
    else if (cache.length === cache.slots) ending = "context";
    const logprob = logits[id] - total;
    yield { id, logprob, candidates: likeliest, cached: cache.length, ending };
    if (ending !== "") return;
    seen.push(id);
  }
}
