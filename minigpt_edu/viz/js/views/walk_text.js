/** The seven stages of the prediction walk in words and in tables. */

import { showCount, showNumber, showPercent } from "../ui/format.js";
import { pieceName } from "../ui/pieces.js";
import { topPlaces, vectorAt } from "./vectors.js";
import { logitRange, softmaxSum, strongestNeurons } from "./walk_parts.js";

const LISTED = 30; // rows of a table that would have a line for every token or neuron

/** One plain sentence about the present stage. @param {any} seen @returns {string} */
export function walkSentence(seen) {
  return WALK_SENTENCES[seen.stage](seen);
}

const WALK_SENTENCES = [
  ({ ids, about, piece }) =>
    `The text is cut into ${ids.length} tokens, and each becomes a number below ` +
    `${showCount(about.config.vocab_size)}: ${pieceName(piece)} is ${piece.id}.`,

  ({ arrays, position, piece }) => {
    const row = vectorAt(arrays.embed, 0, position);
    return (
      `Row ${piece.id} of a table stands for ${pieceName(piece)}: ${row.length} numbers ` +
      `from ${showNumber(Math.min(...row))} to ${showNumber(Math.max(...row))}, the same ` +
      "wherever the token occurs."
    );
  },

  ({ pattern, pieces, layer, head, piece, lengths, added }) => {
    const [best] = topPlaces(pattern, 1);
    const from = best === pattern.length - 1 ? "itself" : pieceName(pieces[best]);
    return (
      `${pieceName(piece)} reads the tokens up to itself: in layer ${layer}, head ${head} ` +
      `takes ${showPercent(pattern[best])} from ${from}, and all ${lengths.length} heads ` +
      `together add a vector of length ${showNumber(added("attn"))}.`
    );
  },

  ({ arrays, layer, position, piece, added }) => {
    const { neurons, count, half } = strongestNeurons(arrays, layer, position, 1);
    return (
      `Then each token works alone: at ${pieceName(piece)}, ${half} of the ${count} neurons ` +
      `of layer ${layer} ${half === 1 ? "makes" : "make"} half of the activity (in squares), the ` +
      `strongest is at ${showNumber(neurons[0].value)}, and all together add a vector of length ` +
      `${showNumber(added("mlp"))}.`
    );
  },

  ({ logits, token, about, piece }) => {
    const { order, highest, lowest } = logitRange(logits);
    const table = about.config.tie_weights ? "the table of stage 2 again" : "a table";
    return (
      `After ${about.config.n_layer} layers the vector at ${pieceName(piece)} is compared ` +
      `with every row of ${table}: ${showCount(logits.length)} scores, the logits, from ` +
      `${showNumber(lowest)} to ${showNumber(highest)}, that of ${pieceName(token(order[0]))}.`
    );
  },

  ({ logits, token }) => {
    const { rows, total } = softmaxSum(logits, 1);
    return (
      `Scores become chances that sum to 1: ${pieceName(token(rows[0].id))} gets ` +
      `1 / ${showNumber(total)} = ${showPercent(rows[0].p)}.`
    );
  },

  ({ logits, token, next, ids }) => {
    const p = softmaxSum(logits, logits.length).rows.find(({ id }) => id === next.id).p;
    const name = `${pieceName(token(next.id))}, with ${showPercent(p)}`;
    const how =
      next.pin === null
        ? `The likeliest token is taken: ${name}.`
        : `The number drawn is ${showNumber(next.pin.u, 4)}, which falls on ${name}.`;
    return `${how} It is appended, and everything begins again with ${ids.length + 1} tokens.`;
  },
];

/** The numbers of the present stage. @param {any} seen */
export function walkTable(seen) {
  const { stage, pieces, position, arrays, layer, head, pattern, token } = seen;
  const at = pieceName(seen.piece);
  if (stage === 0) {
    return {
      caption: "The tokens",
      columns: ["place", "token", "number"],
      rows: pieces.map((piece, i) => [String(i), piece, String(piece.id)]),
    };
  }
  if (stage === 1) {
    const row = Array.from(vectorAt(arrays.embed, 0, position));
    return {
      caption: `The embedding of ${at}`,
      columns: ["place", "number"],
      rows: row.map((value, i) => [String(i), showNumber(value, 4)]),
    };
  }
  if (stage === 2) {
    return {
      caption: `What ${at} reads in layer ${layer}, head ${head}`,
      columns: ["token", "share"],
      rows: Array.from(pattern, (share, i) => [pieces[i], showNumber(share, 4)]),
    };
  }
  if (stage === 3) {
    const { neurons } = strongestNeurons(arrays, layer, position, LISTED);
    return {
      caption: `The ${neurons.length} strongest neurons of layer ${layer} at ${at}`,
      columns: ["neuron", "activity"],
      rows: neurons.map(({ neuron, value }) => [String(neuron), showNumber(value, 4)]),
    };
  }
  const { rows } = softmaxSum(seen.logits, LISTED);
  return {
    caption: `The ${rows.length} likeliest tokens after ${at}`,
    columns: ["token", "logit", "e^(logit \u2212 highest)", "probability"],
    rows: rows.map(({ id, logit, power, p }) => [
      token(id),
      showNumber(logit, 3),
      showNumber(power, 4),
      showNumber(p, 4),
    ]),
  };
}
