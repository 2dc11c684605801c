/** The experiment's questions to the model: the run as it is, changed, and controls. */

import { changedPart, compareRuns, controlChoice, experimentEdits, shiftedTargets } from "./experiment_parts.js";
import { checkRoom } from "./tokens.js";
import { vectorAt } from "./vectors.js";

/** The run as it is, the changed one, and the controls. */
export async function experimentLoad({ ask, state, about }) {
  const { ids, pieces } = await ask("encode", { text: state.text });
  checkRoom(ids.length);
  const patched = state.op === "patch";
  const other = patched ? await ask("encode", { text: state.other }) : null;
  const from = other?.ids ?? null;
  const { attn_output, n_layer: layers, n_head: heads } = about.config;
  const targets = shiftedTargets(ids);
  const run = async (edits, keep) => {
    const asked = { ids, keep: ["loss", ...keep], edits, targets };
    const { arrays } = await ask("run", asked);
    return {
      arrays,
      logits: vectorAt(arrays.logits, 0, ids.length - 1),
      loss: arrays.loss,
    };
  };
  const written = `blocks.*.attn.${attn_output ? "head_out" : "z"}`;
  // keeping changes the order of a sum, so what is compared is computed alike
  const { arrays: kept } = await run([], [
    written,
    "blocks.*.mlp.post",
    "blocks.*.attn.pattern",
    "blocks.*.resid_mid",
  ]);
  const before = await run([], []);
  const choice = changedPart(state, { ids, from, layers, kept });
  const neurons = kept["blocks.0.mlp.post"].shape[2];
  const tokens = Math.min(ids.length, from?.length ?? Infinity);
  const sizes = { layers, heads, neurons, tokens };
  const effects = []; // the reader's own, then the controls
  for (let turn = -1; turn < state.draws; turn++) {
    const part = turn < 0 ? choice : controlChoice(choice, sizes, state.seed, turn);
    const after = await run(experimentEdits(part, ids.length), []);
    effects.push({ part, ...compareRuns(before, after) });
  }
  return { about, pieces, other: other?.pieces ?? null, choice, kept, effects };
}
