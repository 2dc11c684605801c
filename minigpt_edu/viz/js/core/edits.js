/**
 * Changes of a forward pass that can be written down: which value, where, and how.
 *
 * The twin of minigpt_edu/model/edits.py: the same plain JSON, the same experiment.
 *
 *     const silent = { hook: "blocks.1.attn.z", op: "zero", head: 2 };
 *     model.run(ids, { edits: editsOf(model, [silent]) });
 *
 * Operations: `zero`; `mean`, over the positions; `scale` by `factor`; `patch`, the
 * same value of a run over other `ids`. `head`, `neuron` (on the last axis) and
 * `position` say where, and without them it is everywhere.
 *
 * Shapes: a value is [heads or 1, positions, numbers], after the batch of one.
 */

import { hookAxes } from "./hook_names.js";
import { selectHooks } from "./listener.js";
import { didYouMean, refuseUnknown } from "./spelling.js";

/** What an operation may be given beside the place. */
export const EDIT_OPS = {
  zero: [],
  mean: [],
  scale: ["factor"],
  patch: ["ids", "from"],
};

const EDIT_PLACE = ["head", "neuron", "position"];

/** @typedef {import("./tensor.js").Tensor} Tensor */
/**
 * @typedef {{hook: string, op: string, head?: number, neuron?: number,
 *   position?: number, factor?: number, ids?: number[], from?: number}} EditSpec
 */

/**
 * Functions for `run`, by hook name; those of one hook in order. A patch runs the model
 * here, once. Throws for what is unknown or missing; the functions themselves throw
 * when an index is outside the value they are given.
 * @param {import("./model.js").GPT} model @param {Iterable<EditSpec>} specs
 * @returns {Record<string, import("./listener.js").Edit>}
 */
export function editsOf(model, specs) {
  /** @type {Map<string, ((value: Tensor) => void)[]>} */
  const changes = new Map();
  for (const spec of specs) {
    checkEdit(spec);
    const names = selectHooks(spec.hook, model.hookNames());
    const where = names.map((name) => ({ name, axes: editableAxes(name), spec }));
    const sources = patchSources(model, spec, names);
    where.forEach((here) => {
      const source = sources === null ? null : sources.get(here.name);
      const change = (value) => changeValue(value, { ...here, source });
      changes.set(here.name, [...(changes.get(here.name) ?? []), change]);
    });
  }
  const inTurn = (all) => (value) => all.forEach((change) => change(value));
  return Object.fromEntries([...changes].map(([name, all]) => [name, inTurn(all)]));
}

/** Refuses what cannot be meant, before anything is computed. */
function checkEdit(spec) {
  if (typeof spec?.hook !== "string") {
    throw new Error("an edit needs a hook, the name of a value");
  }
  const { op, factor, ids } = spec;
  if (!Object.hasOwn(EDIT_OPS, op)) {
    const near = didYouMean(String(op), Object.keys(EDIT_OPS));
    throw new Error(`an edit has no op "${op}": ${near}`);
  }
  const allowed = ["hook", "op", ...EDIT_PLACE, ...EDIT_OPS[op]];
  refuseUnknown(`the edit ${op}`, Object.keys(spec), allowed);
  for (const name of [...EDIT_PLACE, "from"]) {
    const value = spec[name] ?? 0;
    if (Number.isInteger(value) && value >= 0) continue;
    throw new Error(`${name}=${value} of an edit must be a whole number, 0 or more`);
  }
  if (op === "scale" && !Number.isFinite(factor)) {
    throw new Error("scale needs a factor, a finite number");
  }
  if (op !== "patch") return;
  if (!Array.isArray(ids) || ids.length === 0) {
    throw new Error("patch needs ids, the tokens of the other text");
  }
  if ((spec.from ?? null) !== null && (spec.position ?? null) === null) {
    throw new Error(
      `from=${spec.from} is a position of the other text: say with position where it ` +
        "goes",
    );
  }
}

/** For a patch the values of the other text's run. */
function patchSources(model, { op, ids }, keep) {
  if (op !== "patch") return null;
  const { block_size, vocab_size } = model.config;
  if (ids.length > block_size) {
    throw new Error(
      `${ids.length} tokens of the other text do not fit into the model's context of ` +
        `${block_size}: shorten it`,
    );
  }
  const known = (id) => Number.isInteger(id) && id >= 0 && id < vocab_size;
  if (!ids.every(known)) {
    throw new Error(
      `${ids.find((id) => !known(id))} of the other text is no token: ids run from 0 ` +
        `to ${vocab_size - 1}`,
    );
  }
  return model.run(ids, { keep }).cache;
}

/** The axes of a hook; what has no numbers to change is refused. */
function editableAxes(name) {
  if (name !== "tokens") return hookAxes(name);
  throw new Error("tokens are ids, not numbers to change: change the text");
}

/** Changes the numbers of one value in their place. */
function changeValue(value, { name, axes, spec, source }) {
  const sizes = blockSizes(value, axes);
  const place = editPlace(name, axes, sizes, spec, spec.position ?? null);
  const from = source === null ? null : patchPlace(source, { name, axes, spec, sizes });
  const { data } = value;
  const { positions, size } = sizes;
  const before = spec.op === "mean" ? positionMeans(data, sizes) : data;
  for (let h = place.heads[0]; h < place.heads[1]; h++) {
    for (let p = place.positions[0]; p < place.positions[1]; p++) {
      for (let i = place.numbers[0]; i < place.numbers[1]; i++) {
        const at = (h * positions + p) * size + i;
        if (spec.op === "zero") data[at] = 0;
        else if (spec.op === "scale") data[at] *= spec.factor;
        else if (spec.op === "mean") data[at] = before[h * size + i];
        else data[at] = source.data[(h * from.positions + p + from.shift) * size + i];
      }
    }
  }
}

/** [heads, positions, size] of a value, from its axes. */
function blockSizes({ shape }, axes) {
  const query = queryAxis(axes);
  return {
    heads: query === 2 ? shape[1] : 1,
    positions: shape[query],
    size: query === shape.length - 1 ? 1 : shape.at(-1),
  };
}

function queryAxis(axes) {
  return axes.findIndex((axis) => axis === "position" || axis === "query");
}

/** From where to where an edit reaches on each axis. */
function editPlace(name, axes, { heads, positions, size }, spec, position) {
  const range = (what, at, count, there) => {
    if ((at ?? null) === null) return [0, count];
    if (!there) throw new Error(`${name} has no ${what}: leave ${what} out`);
    if (at < count) return [at, at + 1];
    throw new Error(
      `${what} ${at} is outside ${name}: it has ${count}, from 0 to ${count - 1}`,
    );
  };
  const query = queryAxis(axes);
  return {
    heads: range("head", spec.head, heads, query === 2),
    positions: range("position", position, positions, true),
    numbers: range("neuron", spec.neuron, size, query < axes.length - 1),
  };
}

/** Where in the other text's value a patch is taken from. */
function patchPlace(source, { name, axes, spec, sizes }) {
  const theirs = blockSizes(source, axes);
  const position = spec.position ?? null;
  const grows = axes.includes("key"); // a row is as long as its text
  if (theirs.positions !== sizes.positions && (position === null || grows)) {
    throw new Error(
      `the other text has ${theirs.positions} tokens and this one ` +
        `${sizes.positions}: make them equally long` +
        (grows ? "" : ", or choose a position"),
    );
  }
  const start = spec.from ?? position;
  editPlace(name, axes, theirs, spec, start);
  const shift = position === null ? 0 : start - position;
  return { positions: theirs.positions, shift };
}

/** The mean over the positions, [heads, size]. */
function positionMeans(data, { heads, positions, size }) {
  const means = new Float32Array(heads * size);
  for (let h = 0; h < heads; h++) {
    for (let i = 0; i < size; i++) {
      let sum = 0;
      for (let p = 0; p < positions; p++) sum += data[(h * positions + p) * size + i];
      means[h * size + i] = sum / positions;
    }
  }
  return means;
}
