/**
 * Names that are almost right: which one was probably meant?
 *
 *     refuseUnknown("run", ["kep"], ["ids", "keep"]);        // did you mean "keep"?
 *
 * The twin of minigpt_edu/spelling.py: an unknown option is never passed over.
 */

import { closeMatches } from "./names.js";

/** The nearest known name as a question, or all of them if none is near. */
export function didYouMean(name, known) {
  const all = [...known];
  const [near] = closeMatches(name, all, 1);
  return near === undefined ? `known: ${all.join(", ")}` : `did you mean "${near}"?`;
}

/**
 * Throws for the first of `names` that is not a field of `owner`.
 * @param {string} owner @param {Iterable<string>} names @param {string[]} known
 */
export function refuseUnknown(owner, names, known) {
  for (const name of names) {
    if (known.includes(name)) continue;
    throw new Error(`${owner} has no field "${name}": ${didYouMean(name, known)}`);
  }
}
