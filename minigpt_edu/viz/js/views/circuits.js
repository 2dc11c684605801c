/**
 * The two circuits of a head: whom it looks for, and what it writes when it is found.
 *
 * Where to look and what to copy are two separate machines with separate weights. Both
 * are read off the weights, for tokens that stand alone; the words of the reader's text
 * choose the rows and columns.
 */

import { softmaxOf } from "../core/sampling.js";
import { Bars } from "../ui/bars.js";
import { selectBox, slider } from "../ui/controls.js";
import { element, fill, inRole } from "../ui/dom.js";
import { showNumber, showShare } from "../ui/format.js";
import { Frame } from "../ui/frame.js";
import { Matrix } from "../ui/matrix.js";
import { pieceName } from "../ui/pieces.js";
import { signedScale } from "../ui/scale.js";
import { Circuit, circuitObstacle, circuitWeights } from "./circuits_math.js";
import { distinctPieces, standardised } from "./circuits_math.js";
import { headKeep, pickedHead } from "./attention_math.js";
import { topPlaces } from "./vectors.js";

const PUSHED = 5; // tokens pushed up, and as many pushed down
const FARTHEST = 8; // tokens between a query and a key

/** @param {{model: any, el: HTMLElement}} host @returns {() => void} */
export function renderCircuits({ model, el }) {
  const frame = new Frame({
    model,
    el,
    load: loadCircuit,
    draw,
    sentence: circuitSentence,
    table: circuitTable,
    note: circuitNote,
    question:
      "Which words does a head look for, and what does it say when it finds one?",
    state: { layer: null, head: null, distance: 1, found: null },
    reload: ["text", "layer", "head"],
  });
  frame.promptField();
  const choose = (key) => (value) => frame.set({ [key]: Number(value) });
  const layer = selectBox({ label: "Layer", onInput: choose("layer") });
  const head = selectBox({ label: "Head", onInput: choose("head") });
  const distance = slider({
    label: "Distance",
    min: 0,
    max: FARTHEST,
    step: 1,
    onInput: choose("distance"),
    show: (value) => (value === 0 ? "the same place" : `${value} before`),
  });
  frame.controls.append(layer.element, head.element, distance.element);
  const matrix = new Matrix({
    label: "Who looks for whom",
    rowName: "query",
    columnName: "key",
    largest: 40,
    onPin: (_row, column) => frame.set({ found: frame.result.words[column].id }),
    onRelease: () => frame.set({ found: null }),
  });
  const up = new Bars({ label: "Pushed up", signed: true });
  const down = new Bars({ label: "Pushed down", signed: true });
  const writes = element("p", { class: "mg-heading" });
  frame.body.append(
    element(
      "div",
      { class: "mg-two" },
      element(
        "div",
        {},
        element(
          "p",
          { class: "mg-heading" },
          "Where to look: ",
          inRole("query", "query"),
          " row, ",
          inRole("key", "key"),
          " column",
        ),
        matrix.element,
      ),
      element("div", { class: "mg-panel" }, writes, up.element, down.element),
    ),
  );

  function draw(result, state) {
    const { config, words, circuit, vocabulary } = result;
    const numbered = (word, count) =>
      Array.from({ length: count }, (_, i) => [String(i), `${word} ${i}`]);
    layer.update({ value: result.layer, options: numbered("layer", config.n_layer) });
    head.update({ value: result.head, options: numbered("head", config.n_head) });
    distance.element.hidden = config.position !== "rope";
    distance.update(state.distance);
    const values = circuitScores(result, state);
    matrix.update({
      rows: words,
      columns: words,
      values,
      scale: signedScale(values),
      digits: 1,
      key: "score",
    });
    const { word, push } = findings(result, state);
    fill(writes, "What it writes when it reads ", pieceName(word));
    const list = (places) =>
      places.map((id) => ({ name: { id, text: vocabulary[id] }, value: push[id] }));
    const most = Math.max(...topPlaces(push, 1, true).map((id) => Math.abs(push[id])));
    up.update(list(topPlaces(push, PUSHED)), most);
    down.update(
      list(
        topPlaces(
          push.map((value) => -value),
          PUSHED,
        ),
      ),
      most,
    );
    return circuit;
  }

  return frame.start();
}

/** The weights of one head, and the different words of the text. */
async function loadCircuit({ ask, state, about }) {
  const { config, vocabulary } = about;
  const obstacle = circuitObstacle(config);
  if (obstacle !== "") throw new Error(obstacle);
  const { ids, pieces } = await ask("encode", { text: state.text });
  let { layer, head } = state;
  if (layer === null || head === null) {
    const { arrays } = await ask("run", { ids, keep: headKeep(config) });
    ({ layer, head } = pickedHead(arrays, config, layer, head));
  }
  const { arrays } = await ask("weights", { names: circuitWeights(config, layer) });
  return {
    config,
    vocabulary,
    layer,
    head,
    words: distinctPieces(pieces),
    circuit: new Circuit(arrays, config, layer, head),
  };
}

function circuitScores({ words, circuit }, { distance }) {
  return Float64Array.from({ length: words.length ** 2 }, (_, i) => {
    const [row, column] = [Math.floor(i / words.length), i % words.length];
    return circuit.score(words[row].id, words[column].id, distance);
  });
}

/** The word whose reading is shown, and its push on every token. */
function findings({ words, circuit }, { found }) {
  const word = words.find(({ id }) => id === found) ?? words[words.length - 1];
  return { word, push: standardised(circuit.written(word.id)) };
}

function circuitNote(result, { layer, head }) {
  const chosen =
    layer === null || head === null
      ? "The figure chose the head: of all, it looks most firmly at single earlier " +
        "tokens. "
      : "";
  const deeper =
    result.layer > 0
      ? "This layer reads more than embeddings, so expect a leaning, no forecast. "
      : "";
  return (
    `${chosen}From the weights, for tokens that stand alone. ${deeper}` +
    "Pushes in standard deviations over the vocabulary."
  );
}

function circuitSentence(result, state) {
  const { words, layer, head, vocabulary } = result;
  const scores = circuitScores(result, state);
  const { word, push } = findings(result, state);
  const column = words.indexOf(word);
  const shares = words.map((_, row) => {
    const from = row * words.length; // a softmax shares out each row by itself
    return softmaxOf(scores.subarray(from, from + words.length))[column];
  });
  const asking = shares.indexOf(Math.max(...shares));
  const [best] = topPlaces(push, 1);
  const rank = push.filter((value) => value > push[word.id]).length + 1;
  return (
    `Layer ${layer}, head ${head}: ${pieceName(word)} would get its largest share ` +
    `from ${pieceName(words[asking])}, ${showShare(shares[asking])} of what that token ` +
    "gives to these words. " +
    `Reading it pushes ${pieceName({ id: best, text: vocabulary[best] })} up most; ` +
    `the word itself is number ${rank} of ${push.length}.`
  );
}

function circuitTable(result, state) {
  const { words } = result;
  const scores = circuitScores(result, state);
  return {
    caption: "Scores of a query (row) for a key (column), before the mask",
    columns: ["query", ...words],
    rows: words.map((word, row) => [
      word,
      ...words.map((_, column) => showNumber(scores[row * words.length + column], 3)),
    ]),
  };
}
