/** A token by its number: the piece that the ui parts show, from what `about` says. */

/**
 * The piece of an id; an id beyond the tokenizer's, which a model may have, is named by
 * its number.
 * @param {{vocabulary: string[]}} about @param {number} id
 */
export function tokenPiece(about, id) {
  return { id, text: about.vocabulary[id] ?? `#${id}` };
}
