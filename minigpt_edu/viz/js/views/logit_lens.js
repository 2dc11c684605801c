/**
 * What the model would say if it stopped after each layer, and who writes the answer.
 *
 * Above, the best guess at every token and depth. Below, for one token of the text: the
 * ten likeliest at that depth, one token's chance through the depths, and its logit as
 * the sum of what the embedding and every block wrote; blocks can be switched off.
 */

import { pushButton, selectBox } from "../ui/controls.js";
import { div, element, fill } from "../ui/dom.js";
import { showNumber, showPercent } from "../ui/format.js";
import { Frame } from "../ui/frame.js";
import { pieceName } from "../ui/pieces.js";
import { lensTop } from "./attribution.js";
import { LensGrid } from "./lens_grid.js";
import { depthNames, lensLoad, lensView } from "./lens_run.js";
import { showSigned } from "./signed.js";
import { TitledBars } from "./titled_bars.js";
import { tokenPiece } from "./tokens.js";

const LENS_ROLES = { embed: "residual", attn: "query", mlp: "mlp" };

/** @param {{model: any, el: HTMLElement}} place @returns {() => void} */
export function renderLogitLens({ model, el }) {
  const frame = new Frame({
    model,
    el,
    question: "When does the model know its answer, and who writes it?",
    // off: the blocks that are switched off; lead: take the lead over another apart
    state: {
      text: "The old boat came home at night.",
      position: null,
      depth: null,
      token: null,
      off: [],
      lead: false,
    },
    reload: ["text", "off"],
    load: lensLoad,
    draw,
    sentence: lensSentence,
    table: lensTable,
  });
  frame.promptField();
  const open = (position, depth) => frame.set({ position, depth, token: null });
  const grid = new LensGrid({ onOpen: open, onRelease: () => open(null, null) });
  const top = new TitledBars("The ten likeliest tokens");
  const path = new TitledBars("The chance at every depth");
  const parts = new TitledBars("What every part adds", true);
  const sum = element("p", { class: "mg-formula" });
  const scaled = element(
    "p",
    { class: "mg-heading" },
    "Each contribution is divided by the final norm, which depends on the whole sum: " +
      "when one part goes, all the others change too.",
  );
  const onInput = (value) => frame.set({ lead: value === "lead" });
  const measure = selectBox({ label: "Take apart", onInput });
  const on = pushButton({
    label: "Switch all on",
    onPress: () => frame.set({ off: [] }),
  });
  const controls = div("mg-controls", measure.element, on.element);
  const left = div("mg-panel mg-left", top.element, path.element);
  const right = div("mg-panel", controls, parts.element, sum, scaled);
  frame.body.append(grid.element, div("mg-two", left, right));

  function draw(result, state) {
    const seen = lensView(result, state);
    const { position, depth, token, depths, at, id, name } = seen;
    const { pieces, cells, now } = result;
    grid.update({ pieces, depths, cells, token, chosen: [position, depth] });
    const likeliest = lensTop(now.lens, depth, position, 10).map((one) => ({
      name: token(one.id),
      value: one.p,
      text: showPercent(one.p),
      chosen: one.id === id,
      onPick: () => frame.set({ token: one.id }),
    }));
    top.update(`At ${at}, ${depths[depth]}: the ten likeliest`, likeliest, 1);
    const chances = seen.chances.map((value, i) => ({
      name: depths[i],
      value,
      text: showPercent(value),
      chosen: i === depth,
      role: "residual",
      onPick: () => frame.set({ position, depth: i, token: id }),
    }));
    path.update(`The chance of ${name} through the depths`, chances, 1);
    const rival = pieceName(token(seen.rival));
    const options = [
      ["logit", `the logit of ${name}`],
      ["lead", `its lead over ${rival}`],
    ];
    measure.update({ options, value: state.lead ? "lead" : "logit" });
    on.element.hidden = state.off.length === 0;
    right.hidden = seen.sums === null;
    scaled.hidden = !result.about.config.final_norm;
    if (seen.sums !== null) drawParts(seen.sums, state.off);
  }

  /** The terms; a block is switched off and on by its name. */
  function drawParts({ parts: terms, constant, total, logit }, off) {
    const rows = terms.map(({ name, hook, kind, value }) => {
      const out = off.includes(hook);
      const others = off.filter((one) => one !== hook);
      return {
        name: out ? `${name}: off` : name,
        value,
        text: showSigned(value),
        role: LENS_ROLES[kind],
        quiet: out,
        onPick:
          kind === "embed"
            ? undefined
            : () => frame.set({ off: out ? others : [...off, hook] }),
      };
    });
    if (constant !== 0) {
      rows.push({ name: "biases", value: constant, text: showSigned(constant) });
    }
    parts.update("What each part adds to it; choose a block to switch it off", rows);
    fill(sum, `Sum: ${showNumber(total)}. The model's own: ${showNumber(logit)}.`);
  }

  return frame.start();
}

/** One plain sentence about the chosen cell and the blocks that are off. */
export function lensSentence(result, state) {
  const { at, name, who, chances, before, sums } = lensView(result, state);
  const end = showPercent(chances.at(-1));
  const most = sums?.parts.reduce((a, b) => (b.value > a.value ? b : a));
  const by = most
    ? `; ${most.name} adds the most to its ${state.lead ? "lead" : "logit"}, ` +
      `${showSigned(most.value)} of ${showNumber(sums.total)}`
    : "";
  const off = sums?.parts.filter(({ hook }) => state.off.includes(hook)) ?? [];
  const without =
    off.length === 0
      ? ""
      : ` Without ${off.map((part) => part.name).join(" and ")} it ends at ${end}, ` +
        `with all at ${showPercent(before)}.`;
  return (
    `After ${at}, ${who}${name}${who && ","} goes from ${showPercent(chances[0])} at ` +
    `the start to ${end} after the last layer${by}.${without}`
  );
}

function lensTable({ pieces, cells, about }) {
  const guess = ({ id, p }) => `${pieceName(tokenPiece(about, id))} ${showPercent(p)}`;
  return {
    caption: "The best guess for the next token, and its chance",
    columns: ["token", ...depthNames(cells)],
    rows: pieces.map((piece, i) => [piece, ...cells.map((row) => guess(row[i]))]),
  };
}
