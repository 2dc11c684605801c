/** The seven stages of the prediction walk in words and in tables. */

import { showCount, showNumber, showPercent } from "../ui/format.js";
import { pieceName } from "../ui/pieces.js";
import { topPlaces, vectorAt } from "./vectors.js";
import { logitRange, softmaxSum, strongestNeurons } from "./walk_parts.js";

const LISTED = 30; // rows of a table that would have a line for every token or neuron

/** One plain sentence about the present stage. @param {any} seen @returns {string} */
export function walkSentence(seen) {
  return WALK_SENTENCES[seen.stage](seen, pieceName(seen.piece));
}

const WALK_SENTENCES = [
  ({ ids, about, piece }, name) =>
    `The text is cut into ${ids.length} token${ids.length > 1 ? "s" : ""}, and each ` +
    "becomes a number below " +
    `${showCount(about.config.vocab_size)}: ${name} is ${piece.id}.`,

  ({ arrays, position, piece }, name) => {
    const row = vectorAt(arrays.embed, 0, position);
    const [low, high] = [Math.min(...row), Math.max(...row)].map((x) => showNumber(x));
    return (
      `Row ${piece.id} of a table stands for ${name}: ${row.length} numbers from ` +
      `${low} to ${high}, the same wherever the token occurs.`
    );
  },

  ({ pattern, pieces, layer, head, lengths, added }, name) => {
    const [best] = topPlaces(pattern, 1);
    const from = best === pattern.length - 1 ? "itself" : pieceName(pieces[best]);
    return (
      `${name} reads the tokens up to itself: in layer ${layer}, head ${head} takes ` +
      `${showPercent(pattern[best])} from ${from}, and all ${lengths.length} heads ` +
      `together add a vector of length ${showNumber(added("attn"))}.`
    );
  },

  ({ arrays, layer, position, added }, name) => {
    const { neurons, count, half } = strongestNeurons(arrays, layer, position, 1);
    return (
      `Then each token works alone: at ${name}, ${half} of the ${count} neurons of ` +
      `layer ${layer} make${half === 1 ? "s" : ""} half of the activity (squared), ` +
      `the strongest is at ${showNumber(neurons[0].value)}, and all together add a ` +
      `vector of length ${showNumber(added("mlp"))}.`
    );
  },

  ({ logits, token, about }, name) => {
    const { order, highest, lowest } = logitRange(logits);
    const { n_layer, tie_weights } = about.config;
    return (
      `After ${n_layer} layers the vector at ${name} is compared with every row of ` +
      `${tie_weights ? "the table of stage 2 again" : "a table"}: ` +
      `${showCount(logits.length)} scores, the logits, from ${showNumber(lowest)} to ` +
      `${showNumber(highest)}, that of ${pieceName(token(order[0]))}.`
    );
  },

  ({ logits, token }) => {
    const { rows, total } = softmaxSum(logits, 1);
    const best = pieceName(token(rows[0].id));
    return (
      `Scores become chances that sum to 1: ${best} gets 1 / ${showNumber(total)} = ` +
      `${showPercent(rows[0].p)}.`
    );
  },

  ({ logits, token, next, ids }) => {
    const { rows } = softmaxSum(logits, logits.length);
    const { p } = rows.find(({ id }) => id === next.id);
    const name = `${pieceName(token(next.id))}, with ${showPercent(p)}`;
    const how =
      next.pin === null
        ? `The likeliest token is taken: ${name}.`
        : `The number drawn is ${showNumber(next.pin.u, 4)}, which falls on ${name}.`;
    return `${how} Appended, it makes ${ids.length + 1} tokens, and all begins again.`;
  },
];

/** The numbers of the present stage. @param {any} seen */
export function walkTable(seen) {
  const { stage, pieces, position, arrays, layer, head, pattern, token } = seen;
  const at = pieceName(seen.piece);
  const numbers = (values) => Array.from(values, (value) => showNumber(value, 4));
  if (stage === 0) {
    const rows = pieces.map((piece, i) => [String(i), piece, String(piece.id)]);
    return { caption: "The tokens", columns: ["place", "token", "number"], rows };
  }
  if (stage === 1) {
    const row = numbers(vectorAt(arrays.embed, 0, position));
    const rows = row.map((value, i) => [String(i), value]);
    return { caption: `The embedding of ${at}`, columns: ["place", "number"], rows };
  }
  if (stage === 2) {
    const rows = numbers(pattern).map((share, i) => [pieces[i], share]);
    const caption = `What ${at} reads in layer ${layer}, head ${head}`;
    return { caption, columns: ["token", "share"], rows };
  }
  if (stage === 3) {
    const { neurons } = strongestNeurons(arrays, layer, position, LISTED);
    const rows = neurons.map((one) => [String(one.neuron), ...numbers([one.value])]);
    const caption = `The strongest neurons of layer ${layer} at ${at}`;
    return { caption, columns: ["neuron", "activity"], rows };
  }
  const { rows } = softmaxSum(seen.logits, LISTED);
  return {
    caption: `The likeliest tokens after ${at}`,
    columns: ["token", "logit", "e^(logit \u2212 highest)", "probability"],
    rows: rows.map(({ id, logit, power, p }) => [
      token(id),
      ...numbers([logit, power, p]),
    ]),
  };
}
