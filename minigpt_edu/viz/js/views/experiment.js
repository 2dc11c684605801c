/**
 * Change one thing inside the model, and see what happens to the prediction.
 *
 * A head, a neuron, or the stream at one token is set to zero, to its mean, or to what
 * it is in another text. Before and after are drawn side by side, with the surprise of
 * the whole text, and the same done to other parts of the same kind, drawn by a seed.
 */

import { pushButton, selectBox, textField } from "../ui/controls.js";
import { Frame } from "../ui/frame.js";
import { pieceName } from "../ui/pieces.js";
import { ExperimentPicture } from "./experiment_picture.js";
import { experimentLoad } from "./experiment_run.js";
import { experimentNote, experimentSentence, experimentTable, OPERATIONS, UNITS } from "./experiment_text.js";
import { topPlaces, vectorAt } from "./vectors.js";

const LISTED_NEURONS = 24; // of a layer, the strongest first
const OWN_CHOICE = { head: "stands out", neuron: "strongest", stream: "middle" };

/** @param {{model: any, el: HTMLElement}} place @returns {() => void} */
export function renderExperiment({ model, el }) {
  // place: the token where it is changed, null for all; draws: how many controls
  const state = {
    text: "The old boat came home at night.",
    other: "The old dog came home at night.",
    unit: "head",
    op: "zero",
    layer: null,
    head: null,
    neuron: null,
    place: model.get("config")?.position ?? null,
    seed: 1,
    draws: 3,
  };
  const frame = new Frame({
    model,
    el,
    question: "What happens when one part of the model is changed?",
    state,
    reload: Object.keys(state),
    load: experimentLoad,
    draw,
    sentence: experimentSentence,
    table: experimentTable,
    note: experimentNote,
  });
  frame.promptField();
  const box = (label, key) =>
    selectBox({
      label,
      onInput: (value) => frame.set({ [key]: value === "" ? null : JSON.parse(value) }),
    });
  const boxes = {
    unit: box("Change", "unit"),
    layer: box("Layer", "layer"),
    head: box("Head", "head"),
    neuron: box("Neuron", "neuron"),
    place: box("At", "place"),
    op: box("How", "op"),
  };
  const onInput = (text) => frame.set({ other: text });
  const other = textField({ label: "The other text", onInput });
  for (const { element } of [...Object.values(boxes), other])
    frame.controls.append(element);
  const onPress = () => frame.set({ draws: frame.state.draws + 1 });
  const more = pushButton({ label: "Another control", onPress });
  const onPlace = (at) => frame.set({ place: at === frame.state.place ? null : at });
  const picture = new ExperimentPicture(more.element, onPlace);
  frame.body.append(picture.element);

  function draw(result, now) {
    const { about, pieces, choice, kept } = result;
    const { layer, index, position } = choice;
    const set = (key, options, own, value = now[key]) =>
      boxes[key].update({
        value: value === null ? "" : JSON.stringify(value),
        options: [...(own ? [["", own]] : []), ...options],
      });
    const named = (name, indices) => indices.map((i) => [String(i), `${name} ${i}`]);
    const upTo = (count) => Array.from({ length: count }, (_, i) => i);
    const words = (names) =>
      Object.entries(names).map(([key, name]) => [`"${key}"`, name]);
    const own = OWN_CHOICE[now.unit];
    const post = vectorAt(kept[`blocks.${layer}.mlp.post`], 0, pieces.length - 1);
    set("unit", words(UNITS));
    set("op", words(OPERATIONS));
    set("layer", named("layer", upTo(about.config.n_layer)), `${own} (${layer})`);
    set("head", named("head", upTo(about.config.n_head)), `${own} (${index})`);
    set(
      "neuron",
      named("neuron", topPlaces(post, LISTED_NEURONS, true)),
      `${own} (${index})`,
    );
    const places = pieces.map((piece, i) => [String(i), `${i}: ${pieceName(piece)}`]);
    set("place", places, now.unit === "stream" ? "" : "every token", position);
    boxes.head.element.hidden = now.unit !== "head";
    boxes.neuron.element.hidden = now.unit !== "neuron";
    other.element.hidden = now.op !== "patch";
    other.update(now.other);
    picture.update(result);
  }

  return frame.start();
}
