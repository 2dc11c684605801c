/** What a checkpoint says of itself, in one line under a figure. */

import { showCount } from "./format.js";

/** @param {any} about the answer of `about`, or null @returns {string} */
export function aboutLine(about) {
  if (about === null) return "";
  const { n_layer, n_head } = about.config;
  const parts = [
    `Model: ${about.name ?? "your own"}, ${showCount(about.params)} parameters`,
    `${n_layer} layers of ${n_head} heads`,
  ];
  if (Number.isFinite(about.step))
    parts.push(`${showCount(about.step)} training steps`);
  return `${parts.join(", ")}.`;
}
