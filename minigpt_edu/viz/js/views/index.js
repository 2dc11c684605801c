/** Every figure by the name of its kind. The names are those of minigpt_edu/viz/views.py. */

import { renderAttentionSteps } from "./attention_steps.js";
import { renderCircuits } from "./circuits.js";
import { renderExperiment } from "./experiment.js";
import { renderHeads } from "./heads.js";
import { renderLogitLens } from "./logit_lens.js";
import { renderMaskLab } from "./mask_lab.js";
import { renderPredictionWalk } from "./prediction_walk.js";
import { renderSoftLookup } from "./soft_lookup.js";
import { renderSoftmaxLab } from "./softmax_lab.js";

/** @type {Record<string, (host: {model: any, el: any}) => (() => void)>} */
export const VIEWS = {
  attention_steps: renderAttentionSteps,
  heads: renderHeads,
  mask_lab: renderMaskLab,
  softmax_lab: renderSoftmaxLab,
  circuits: renderCircuits,
  soft_lookup: renderSoftLookup,
  prediction_walk: renderPredictionWalk,
  logit_lens: renderLogitLens,
  experiment: renderExperiment,
};
