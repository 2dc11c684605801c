/**
 * All heads of a model on one text: their patterns, their habits, and what happens to
 * the prediction when some of them are silenced.
 *
 * Under each pattern stands what the text costs more without that head. A striking
 * pattern is not an important one; only the second number says what it was good for.
 */

import { Bars } from "../ui/bars.js";
import { toggle } from "../ui/controls.js";
import { element, fill } from "../ui/dom.js";
import { Frame } from "../ui/frame.js";
import { Gallery } from "../ui/gallery.js";
import { Matrix } from "../ui/matrix.js";
import { compareNext, meanLoss, shiftedTargets } from "./experiment_parts.js";
import { HABITS, allHeads, chosenHead, clearHabit, habitsOf } from "./heads_math.js";
import { silenced } from "./heads_math.js";
import { headCount, headsNote, headsSentence, headsTable, withSign } from "./heads_text.js";

const LIKELIEST = 4; // next tokens of each run

/** @param {{model: any, el: HTMLElement}} host @returns {() => void} */
export function renderHeads({ model, el }) {
  const frame = new Frame({
    model,
    el,
    load: measureHeads,
    draw,
    sentence: headsSentence,
    table: headsTable,
    note: headsNote,
    question: "What does each head do, and does the model need it?",
    state: { layer: null, head: null, out: [], position: null },
    reload: ["text", "out"],
  });
  frame.promptField();
  const gallery = new Gallery({
    label: "All heads, one row for each layer",
    onPick: (index) => {
      const [layer, head] = allHeads(frame.about.config)[index];
      frame.set({ layer, head });
    },
  });
  const matrix = new Matrix({
    label: "The chosen head's pattern",
    rowName: "query",
    columnName: "key",
    largest: 36,
    onPin: (row) => frame.set({ position: row }),
    onRelease: () => frame.set({ position: null }),
  });
  const silence = toggle({
    label: "Silence this head",
    onInput: () => frame.set({ out: flipped(frame) }),
  });
  const title = element("p", { class: "mg-heading" });
  const next = new Bars({
    label: "Next token, with all heads and without the silenced ones",
  });
  const nextTitle = element("p", { class: "mg-heading" });
  frame.body.append(
    element(
      "p",
      { class: "mg-heading" },
      "Layers from top to bottom; below each pattern, what the text costs more " +
        "without the head",
    ),
    element(
      "div",
      { class: "mg-two mg-gallery-two" },
      gallery.element,
      element(
        "div",
        { class: "mg-panel" },
        element("div", {}, title, matrix.element),
        silence.element,
        element("div", {}, nextTitle, next.element),
      ),
    ),
  );

  function draw(result, state) {
    const { pieces, config, heads, out } = result;
    const chosen = chosenHead(result, state);
    gallery.update({
      columns: config.n_head,
      rows: Array.from({ length: config.n_layer }, (_, i) => `layer ${i}`),
      chosen,
      items: heads.map((head) => galleryItem(head, pieces)),
    });
    const { name, pattern, off, habit } = heads[chosen];
    fill(title, `${name}: ${habit === null ? "spread out" : HABITS[habit]}`);
    silence.update(off);
    const row =
      state.position === null ? null : Math.min(state.position, pieces.length - 1);
    matrix.update({
      rows: pieces,
      columns: pieces,
      values: pattern,
      scale: { kind: "share" },
      pinned: row,
      key: "share of the reading",
      masked: (r, c) => c > r,
      maskedNote: "comes later: not to be seen",
    });
    fill(
      nextTitle,
      out.length === 0
        ? "What the model says next"
        : `Next, with all heads and without ${headCount(out.length)}`,
    );
    next.update(nextBars(result));
  }

  return frame.start();
}

/** The silenced heads, the chosen one flipped. */
function flipped(frame) {
  const chosen = chosenHead(frame.result, frame.state);
  const [layer, head] = allHeads(frame.about.config)[chosen];
  const others = frame.state.out.filter(([l, h]) => l !== layer || h !== head);
  return others.length < frame.state.out.length ? others : [...others, [layer, head]];
}

/** Runs the text with all heads, without the silenced ones, and without each alone. */
async function measureHeads({ ask, state, about }) {
  const { config, vocabulary } = about;
  const { ids, pieces } = await ask("encode", { text: state.text });
  const targets = shiftedTargets(ids);
  const lossWith = (edits) => ask("run", { ids, keep: ["loss"], edits, targets });
  const keep = ["blocks.*.attn.pattern", "loss"];
  const whole = await ask("run", { ids, keep, targets });
  const loss = meanLoss(whole.arrays.loss, ids.length);
  const heads = [];
  for (const [layer, head] of allHeads(config)) {
    const without = await lossWith(silenced([[layer, head]]));
    const pattern = squareAt(whole.arrays[`blocks.${layer}.attn.pattern`], head);
    const habits = habitsOf(pattern, ids);
    const cost =
      loss === null ? null : meanLoss(without.arrays.loss, ids.length) - loss;
    const off = state.out.some(([l, h]) => l === layer && h === head);
    heads.push({
      name: `Layer ${layer}, head ${head}`,
      head,
      pattern,
      habits,
      habit: clearHabit(habits),
      cost,
      off,
    });
  }
  const after = state.out.length === 0 ? whole : await lossWith(silenced(state.out));
  const last = ({ arrays }) =>
    arrays.logits.data.subarray((ids.length - 1) * vocabulary.length);
  return {
    config,
    vocabulary,
    pieces,
    heads,
    loss,
    out: state.out,
    lossAfter: meanLoss(after.arrays.loss, ids.length),
    next: compareNext(last(whole), last(after), LIKELIEST),
  };
}

function squareAt({ data, shape }, head) {
  const size = shape.at(-1) * shape.at(-2);
  return data.subarray(head * size, (head + 1) * size);
}

function galleryItem({ name, head, pattern, habit, cost, off }, pieces) {
  const tag = habit === null ? "spread out" : HABITS[habit];
  const silent = off ? ", silenced" : "";
  const said = `${name}, ${tag}, without it ${withSign(cost)} nats${silent}`;
  return {
    name: `head ${head}`,
    note: off ? "silenced" : withSign(cost),
    said,
    values: pattern,
    size: pieces.length,
    off,
  };
}

function nextBars({ next, vocabulary, out }) {
  return next.best.flatMap(({ id, was, is }) => {
    const name = { id, text: vocabulary[id] };
    const with_ = { name, value: was };
    if (out.length === 0) return [with_];
    return [with_, { name: "without", value: is, role: "mlp", quiet: true }];
  });
}
