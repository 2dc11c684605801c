/** What the figure of all heads says in words: its note, its sentence, its table. */

import { showNumber, showShare } from "../ui/format.js";
import { pieceName } from "../ui/pieces.js";
import { HABITS, chosenHead } from "./heads_math.js";

const HABIT_PHRASES = {
  previous: "the token before",
  self: "the token itself",
  first: "the first token",
  repeat: "the token after an earlier twin",
};

/** A number with its sign; a dash where there is none. */
export function withSign(value, digits = 2) {
  if (value === null) return "\u2013";
  return `${value > 0 ? "+" : ""}${showNumber(value, digits)}`;
}

/** What a change of the cost is, in words. */
export function costWords(cost) {
  const size = showNumber(Math.abs(cost));
  if (Number(size) === 0) return "the same, to a hundredth of a nat per token";
  return `${size} nats per token ${cost > 0 ? "more" : "less"}`;
}

/** So many heads, in words. */
export function headCount(count) {
  return `${count} head${count === 1 ? "" : "s"}`;
}

/** Who chose the head, if it was the figure. */
export function headsNote(_result, { layer, head }) {
  if (layer !== null || head !== null) return "";
  return "The figure chose the head: without it the cost of the text changes most.";
}

/** What the chosen head reads, and what its absence costs. */
export function headsSentence(result, state) {
  const { heads, loss, lossAfter, out, next, vocabulary } = result;
  const { name, habit, habits, cost } = heads[chosenHead(result, state)];
  const first = `${name} ${readingOf(habits[habit], HABIT_PHRASES[habit])}.`;
  if (loss === null)
    return `${first} A text of one token has no next token to be judged by.`;
  if (out.length === 0) {
    return (
      `${first} Without it the text costs ${costWords(cost)}; ` +
      `with all heads it costs ${showNumber(loss)}.`
    );
  }
  const [best] = next.best;
  const word = pieceName({ id: best.id, text: vocabulary[best.id] });
  return (
    `${first} With ${headCount(out.length)} silenced, the text costs ` +
    `${showNumber(lossAfter)} nats per token instead of ${showNumber(loss)}, ` +
    `and ${word} goes from ${showShare(best.was)} to ${showShare(best.is)}.`
  );
}

function readingOf(habit, phrase) {
  if (habit === undefined) return "reads without a clear habit";
  const even = showShare(habit.even);
  const share = showShare(habit.share);
  return `spends ${share} of its reading on ${phrase} (even reading would: ${even})`;
}

/** Every head in a row: its habits and its cost. */
export function headsTable({ heads, config }) {
  const cell = (found) =>
    found === null
      ? "\u2013"
      : `${showShare(found.share)} (even ${showShare(found.even)})`;
  return {
    caption:
      "Every head: its habits, beside even reading, and the cost in nats per token " +
      "without it",
    columns: ["head", ...Object.values(HABITS), "cost without"],
    rows: heads
      .slice(0, config.n_layer * config.n_head)
      .map(({ name, habits, cost }) => [
        name,
        ...Object.keys(HABITS).map((habit) => cell(habits[habit])),
        withSign(cost, 4),
      ]),
  };
}
