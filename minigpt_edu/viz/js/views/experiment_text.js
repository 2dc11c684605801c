/** The experiment in words and as a table. */

import { showNumber } from "../ui/format.js";
import { pieceName } from "../ui/pieces.js";
import { showSigned } from "./signed.js";
import { tokenPiece } from "./tokens.js";
import { standoutWords } from "./walk_parts.js";

/** What can be changed. */
export const UNITS = { head: "a head", neuron: "a neuron", stream: "the stream" };

/** How it can be changed. */
export const OPERATIONS = {
  zero: "set to zero",
  mean: "set to its mean",
  patch: "taken from another text",
};

/** A changed part, short: "layer 3, head 2". */
export function partLabel({ unit, layer, index, position }, pieces) {
  const what =
    unit === "stream"
      ? `${pieceName(pieces[position])} at ${position}`
      : `${unit} ${index}`;
  return `layer ${layer}, ${what}`;
}

/** Who chose the head, if it was the figure. */
export function experimentNote({ choice, pieces }, { unit, layer, head }) {
  if (unit !== "head" || head !== null) return "";
  const of = layer === null ? "all heads" : "its layer";
  return standoutWords(choice.own, of, choice.position ?? pieces.length - 1);
}

/** What is taken from where, and a warning when the texts are of unequal length. */
export function patchWords(pieces, other, { taken, put, differ }) {
  const words = (piece, i) => `${i} ${pieceName(piece)}`;
  const first =
    put === null
      ? "Every token takes from the one below it, of the same number."
      : `Token ${words(pieces[put], put)} takes from token ` +
        `${words(other[taken], taken)} of the other text.`;
  if (pieces.length === other.length) return [first, ""];
  const ends = put === pieces.length - 1 ? " Only the ends are put together." : "";
  return [
    first,
    `The other text has ${tokenCount(other.length)}, this one ${pieces.length}: ` +
      `positions after the difference, from ${differ} on, do not correspond.${ends}`,
  ];
}

function tokenCount(count) {
  return `${count} token${count === 1 ? "" : "s"}`;
}

/** A share in hundredths, to a tenth: small changes are to be seen. */
function finely(share) {
  return `${showNumber(100 * share, 1)}\u202f%`;
}

/** One plain sentence: what was done, what moved most, and what the controls say. */
export function experimentSentence({ about, pieces, choice, effects }) {
  const [{ next, was, is, rise }, ...controls] = effects;
  const { unit, layer, index, position, op } = choice;
  const part = unit === "stream" ? "the stream after" : `${unit} ${index} of`;
  const where = position === null ? "every token" : pieceName(pieces[position]);
  const moves = [...next.rises, ...next.falls];
  const most = moves.sort((a, b) => Math.abs(b.change) - Math.abs(a.change))[0];
  const what = most
    ? `${finely(next.apart)} of the chances move, most of all ` +
      `${pieceName(tokenPiece(about, most.id))} from ${finely(most.was)} to ` +
      finely(most.is)
    : "no chance of a next token moves";
  const surprise =
    rise === null
      ? ""
      : `, and the mean surprise of the text goes from ${showNumber(was, 3)} to ` +
        `${showNumber(is, 3)} nats`;
  const done = `With ${part} layer ${layer} ${OPERATIONS[op]} at ${where}`;
  const size = (one) => Math.abs(one.rise ?? 0);
  const farther = controls.filter((one) => one.next.apart >= next.apart).length;
  const dearer = controls.filter((one) => size(one) >= size(effects[0])).length;
  const also = rise === null ? "" : `, and ${dearer || "none"} the surprise as much`;
  return (
    `${done}, ${what}${surprise}. Of ${controls.length} controls, ${farther || "none"} ` +
    `move${farther > 1 ? "" : "s"} the next token as much${also}.`
  );
}

/** The tokens that were likeliest or moved most, before and after. */
export function experimentTable({ about, pieces, choice, effects }) {
  const { best, rises, falls } = effects[0].next;
  const rows = new Map([...best, ...rises, ...falls].map((row) => [row.id, row]));
  return {
    caption: `The next token, before and after a change: ${partLabel(choice, pieces)}`,
    columns: ["token", "before", "after", "change", "change of the logit"],
    rows: [...rows.values()].map(({ id, was, is, change, logit }) => [
      tokenPiece(about, id),
      showNumber(was, 4),
      showNumber(is, 4),
      showSigned(change, 4),
      showSigned(logit, 3),
    ]),
  };
}
