/** The prediction walk's questions to the model, and what is seen in the answers. */

import { checkRoom, tokenPiece } from "./tokens.js";
import { vectorAt, vectorLength } from "./vectors.js";
import { appendedCount, drawnPin, headLengths, patternRow } from "./walk_parts.js";
import { standoutHead, standoutWords, streamLengths, walkKeep } from "./walk_parts.js";

/** The index of the stage in which the next token is chosen. */
export const LAST_STAGE = 6;

/** The whole walk: the text and its appended tokens, what was kept, what comes next. */
export async function walkLoad({ ask, state, about }) {
  const { text, seed } = state;
  const count = appendedCount(state);
  const { ids: given, pieces: own } = await ask("encode", { text });
  checkRoom(given.length + count);
  const sampler = seed === null ? null : { temperature: 1, seed };
  const { ids: chosen } = await ask("generate", { ids: given, n: count + 1, sampler });
  const grown = chosen.slice(0, count);
  const ids = [...given, ...grown];
  const { arrays } = await ask("run", { ids, keep: walkKeep(about.config) });
  const last = vectorAt(arrays.logits, 0, ids.length - 1);
  const pin = seed === null ? null : drawnPin(last, seed, count);
  const pieces = [...own, ...grown.map((id) => tokenPiece(about, id))];
  const next = { id: chosen[count], pin };
  return { about, ids, pieces, given: given.length, arrays, next };
}

/** What is looked at, with every choice made that the reader left open. */
export function walkView(walk, state) {
  const { ids, about, arrays, pieces } = walk;
  const { n_layer, n_head } = about.config;
  const stage = Math.max(0, Math.min(LAST_STAGE, state.stage));
  const end = ids.length - 1;
  // what comes next is open only after the last token
  const at = stage === LAST_STAGE ? end : (state.position ?? end);
  const position = Math.max(0, Math.min(end, at));
  const asked = state.layer === null ? null : Math.min(n_layer - 1, state.layer);
  const count = asked === null ? n_layer : 1;
  const own = standoutHead(arrays, count, position, asked ?? 0);
  const { layer } = own;
  const lengths = headLengths(arrays, layer, position);
  const head = Math.min(n_head - 1, state.head ?? own.head);
  const of = asked === null ? "all heads" : "its layer";
  return {
    ...walk,
    state,
    stage,
    position,
    layer,
    head,
    lengths,
    chosenBy: state.head === null ? standoutWords(own, of, position) : "",
    piece: pieces[position],
    token: (id) => tokenPiece(about, id),
    logits: vectorAt(arrays.logits, 0, position),
    pattern: patternRow(arrays, layer, head, position),
    stream: streamLengths(arrays, n_layer, position),
    added: (part) =>
      vectorLength(vectorAt(arrays[`blocks.${layer}.${part}.out`], 0, position)),
  };
}
