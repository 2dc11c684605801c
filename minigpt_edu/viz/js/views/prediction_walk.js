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
import { logitPicture, nextPicture, softmaxPicture } from "./walk_end.js";
import { oneMoreToken } from "./walk_parts.js";
import { LAST_STAGE, walkLoad, walkView } from "./walk_run.js";
import { attentionPicture, embeddingPicture, mlpPicture, tokenPicture } from "./walk_stages.js";
import { walkSentence, walkTable } from "./walk_text.js";

const WALK_STAGES = [
  ["Tokens", tokenPicture],
  ["Embeddings", embeddingPicture],
  ["Attention", attentionPicture],
  ["MLP", mlpPicture],
  ["Logits", logitPicture],
  ["Softmax", softmaxPicture],
  ["Next token", nextPicture],
];

const ATTENTION_STAGE = 2;

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
    note: (walk, state) =>
      state.stage === ATTENTION_STAGE ? walkView(walk, state).chosenBy : "",
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
