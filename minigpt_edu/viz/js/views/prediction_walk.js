/**
 * From a text to its next token in seven stages, each with the model's own numbers.
 *
 * Tokens, embeddings, attention, MLP, logits, softmax, next token; then the token is
 * appended and the walk begins again with the longer text.
 */

import { Chips } from "../ui/chips.js";
import { pushButton } from "../ui/controls.js";
import { div, fill } from "../ui/dom.js";
import { Frame } from "../ui/frame.js";
import { pieceNode } from "../ui/pieces.js";
import { Stepper } from "../ui/stepper.js";
import { vectorAt, vectorLength } from "./vectors.js";
import { tokenPiece } from "./vocabulary.js";
import { logitPicture, nextPicture, softmaxPicture } from "./walk_end.js";
import { appendedCount, drawnPin, headLengths, oneMoreToken, patternRow, standoutHead, streamLengths, walkKeep } from "./walk_parts.js";
import { attentionPicture, embeddingPicture, mlpPicture, tokenPicture } from "./walk_stages.js";
import { walkSentence, walkTable } from "./walk_text.js";

const WALK_ROOM = 64; // tokens in one figure
const WALK_STAGES = [
  ["Tokens", tokenPicture],
  ["Embeddings", embeddingPicture],
  ["Attention", attentionPicture],
  ["MLP", mlpPicture],
  ["Logits", logitPicture],
  ["Softmax", softmaxPicture],
  ["Next token", nextPicture],
];
const LAST_STAGE = WALK_STAGES.length - 1;

/** @param {{model: any, el: HTMLElement}} place @returns {() => void} */
export function renderPredictionWalk({ model, el }) {
  const frame = new Frame({
    model,
    el,
    question: "How does a text become its next token?",
    // grown: {text, count}, so many tokens appended to that text
    state: {
      text: "The old boat came home at night.",
      stage: 0,
      layer: null,
      head: null,
      position: null,
      seed: null,
      grown: null,
    },
    reload: ["text", "grown", "seed"],
    load: walkLoad,
    draw,
    sentence: (walk, state) => walkSentence(walkView(walk, state)),
    table: (walk, state) => walkTable(walkView(walk, state)),
  });
  frame.promptField();
  const go = (stage) => frame.set({ stage });
  const steps = WALK_STAGES.map(([name]) => name);
  const stepper = new Stepper({ label: "Stages of a prediction", steps, onStep: go });
  const onPick = (position) => frame.set({ position });
  const chips = new Chips({ label: "Tokens of the text", onPick });
  const back = pushButton({
    label: "\u2190 Back",
    onPress: () => go(frame.state.stage - 1),
  });
  const next = pushButton({ label: "", onPress: onward });
  const place = div("mg-panel");
  const pictures = WALK_STAGES.map(([, make]) => make(frame));
  frame.sentence.classList.add("mg-steady");
  const buttons = div("mg-controls", back.element, next.element);
  frame.body.append(stepper.element, frame.sentence, buttons, chips.element, place);
  let shown = -1;

  /** The next stage, or after the last one the first with the longer text. */
  function onward() {
    const { stage } = frame.state;
    const longer = { ...oneMoreToken(frame.state), stage: 0 };
    frame.set(stage < LAST_STAGE ? { stage: stage + 1 } : longer);
  }

  function draw(walk, state) {
    const seen = walkView(walk, state);
    const { stage } = seen;
    const notes = stage === 0 ? walk.ids.map(String) : [];
    chips.update(walk.pieces, { chosen: seen.position, notes });
    stepper.update(stage);
    if (stage !== shown) fill(place, pictures[stage].parts);
    shown = stage;
    pictures[stage].update(seen);
    back.element.style.visibility = stage === 0 ? "hidden" : "";
    const again = ["Again, with ", pieceNode(seen.token(walk.next.id))];
    fill(next.input, steps[stage + 1] ?? again, " \u2192");
  }

  return frame.start();
}

/** The whole walk: the text with its appended tokens, what was kept, what comes next. */
async function walkLoad({ ask, state, about }) {
  const { text, seed } = state;
  const count = appendedCount(state);
  const { ids: given, pieces: own } = await ask("encode", { text });
  if (given.length + count > WALK_ROOM) {
    throw new Error(
      `${given.length + count} tokens, and this figure walks with ${WALK_ROOM}: ` +
        "shorten the text.",
    );
  }
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
function walkView(walk, state) {
  const { ids, about, arrays, pieces } = walk;
  const { n_layer, n_head } = about.config;
  const stage = Math.max(0, Math.min(LAST_STAGE, state.stage));
  const end = ids.length - 1;
  // what comes next is open only after the last token
  const at = stage === LAST_STAGE ? end : (state.position ?? end);
  const position = Math.max(0, Math.min(end, at));
  const own = standoutHead(arrays, n_layer, position);
  const layer = Math.min(n_layer - 1, state.layer ?? own.layer);
  const lengths = headLengths(arrays, layer, position);
  const most = lengths.indexOf(Math.max(...lengths));
  const head = Math.min(n_head - 1, state.head ?? most);
  const by = state.layer === null ? ", it adds the largest share" : ", it adds most";
  return {
    ...walk,
    state,
    stage,
    position,
    layer,
    head,
    lengths,
    chosenBy: state.head === null ? by : "",
    piece: pieces[position],
    token: (id) => tokenPiece(about, id),
    logits: vectorAt(arrays.logits, 0, position),
    pattern: patternRow(arrays, layer, head, position),
    stream: streamLengths(arrays, n_layer, position),
    added: (part) =>
      vectorLength(vectorAt(arrays[`blocks.${layer}.${part}.out`], 0, position)),
  };
}
