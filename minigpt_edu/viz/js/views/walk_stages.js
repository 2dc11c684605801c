/** The pictures of the first four stages of the prediction walk. */

import { div, element, fill } from "../ui/dom.js";
import { showCount, showNumber } from "../ui/format.js";
import { legendOf } from "../ui/legend.js";
import { pieceName, pieceNode } from "../ui/pieces.js";
import { readPaint, signedScale } from "../ui/scale.js";
import { Strip } from "../ui/strip.js";
import { headingLine, TitledBars } from "./titled_bars.js";
import { topPlaces, vectorAt } from "./vectors.js";
import { strongestNeurons } from "./walk_parts.js";

const STRIPS = 9; // tokens whose embeddings are drawn at once
const READ = 10; // tokens or neurons that get a bar

/** @typedef {{parts: any[], update: (seen: any) => void}} WalkPicture */

/** The bytes behind a token. @returns {WalkPicture} */
export function tokenPicture() {
  const line = element("p", { class: "mg-formula" });
  const update = ({ piece, about, given, pieces }) => {
    const bytes = piece.bytes ?? [...new TextEncoder().encode(piece.text)];
    const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0"));
    const grown = pieces.length - given;
    const last = showCount(about.config.vocab_size - 1);
    fill(
      line,
      `The token “`,
      pieceNode(piece),
      `” is bytes ${hex.join(" ")}, number ${piece.id} of 0 to ${last}.`,
      grown > 0 && ` The last ${grown} came from the model.`,
    );
  };
  return { parts: [line], update };
}

/** The rows of the table, one strip a token. @returns {WalkPicture} */
export function embeddingPicture() {
  const make = () => new Strip({ label: "", wide: true });
  const strips = Array.from({ length: STRIPS }, make);
  const place = div("mg-strips"),
    note = headingLine(),
    legend = div("mg-legend");
  const update = ({ arrays, position, pieces }) => {
    const first = Math.max(0, Math.min(position - 4, pieces.length - STRIPS));
    const there = pieces.slice(first, first + STRIPS);
    const rows = there.map((_, i) => vectorAt(arrays.embed, 0, first + i));
    const scale = signedScale(...rows);
    fill(note, `The rows of ${there.length} tokens, ${rows[0].length} numbers each`);
    fill(
      place,
      strips.slice(0, there.length).map((strip) => strip.element),
    );
    there.forEach((piece, i) => {
      const chosen = first + i === position;
      const label = `embedding of ${pieceName(piece)}`;
      const faint = chosen ? 1 : 0.45;
      strips[i].element.classList.toggle("mg-chosen", chosen);
      strips[i].update(rows[i], { scale, name: pieceNode(piece), faint, label });
    });
    fill(legend, legendOf({ scale, paint: readPaint(place), key: "value" }));
  };
  return { parts: [div("", note, place), legend], update };
}

/** The growing stream, in which a layer is chosen. */
function drawLadder(frame, bars, { about, layer, stream, piece }, part) {
  const turns = about.config.n_layer;
  const rows = stream.map((step) => {
    const chosen = step.layer === layer && step.part === part;
    const pick = () => frame.set({ layer: step.layer, head: null });
    return {
      name: step.layer < 0 ? "embedding" : `+ ${step.part} ${step.layer}`,
      value: step.length,
      text: showNumber(step.length),
      role: "residual",
      chosen,
      quiet: !chosen,
      onPick: step.layer < 0 ? undefined : pick,
    };
  });
  bars.update(
    `Attention and MLP take turns, ${turns} times: how long the vector at ` +
      `${pieceName(piece)} is after each`,
    rows,
  );
}

/** One head's row, and what every head of the layer adds. @returns {WalkPicture} */
export function attentionPicture(frame) {
  const reads = new TitledBars("Share of the reading");
  const adds = new TitledBars("Length of what each head adds");
  const ladder = new TitledBars("Length of the stream");
  const left = div("mg-panel mg-left", reads.element, adds.element);
  const update = (seen) => {
    const { pattern, pieces, layer, head, lengths, piece } = seen;
    const shown = topPlaces(pattern, READ).sort((a, b) => a - b);
    const rest = pattern.length - shown.length;
    const rows = shown.map((i) => ({
      name: pieces[i],
      value: pattern[i],
      role: "query",
    }));
    const sum = rows.reduce((all, { value }) => all + value, 0);
    if (rest > 0) rows.push({ name: `${rest} others`, value: 1 - sum, role: "" });
    const title = `What ${pieceName(piece)} reads: head ${head} of layer ${layer}`;
    reads.update(title, rows, 1);
    adds.update(
      `The length of what each head of layer ${layer} adds`,
      lengths.map((value, h) => ({
        name: `head ${h}`,
        value,
        text: showNumber(value),
        role: "value",
        chosen: h === head,
        onPick: () => frame.set({ layer, head: h }),
      })),
    );
    drawLadder(frame, ladder, seen, "attention");
  };
  return { parts: [div("mg-two", left, ladder.element)], update };
}

/** All neurons of a layer as a strip, the strongest as bars. @returns {WalkPicture} */
export function mlpPicture(frame) {
  const bars = new TitledBars("The strongest neurons", true);
  const ladder = new TitledBars("Length of the stream");
  const strip = new Strip({ label: "all neurons", height: 18, wide: true });
  strip.name.hidden = true;
  bars.element.classList.add("mg-left");
  const all = headingLine(),
    legend = div("mg-legend");
  const update = (seen) => {
    const { arrays, layer, position, piece } = seen;
    const post = vectorAt(arrays[`blocks.${layer}.mlp.post`], 0, position);
    const { neurons, count } = strongestNeurons(arrays, layer, position, READ);
    const scale = signedScale(post);
    fill(all, `All ${count} neurons of layer ${layer} at ${pieceName(piece)}`);
    strip.update(post, { scale });
    fill(legend, legendOf({ scale, paint: readPaint(legend), key: "activity" }));
    bars.update(
      "The strongest",
      neurons.map(({ neuron, value }) => ({
        name: `neuron ${neuron}`,
        value,
        role: "mlp",
      })),
      scale.limit,
    );
    drawLadder(frame, ladder, seen, "MLP");
  };
  const parts = [
    div("", all, strip.element, legend),
    div("mg-two", bars.element, ladder.element),
  ];
  return { parts, update };
}
