/** The tokens of a figure: pieces by their numbers, and how many there is room for. */

const TOKEN_ROOM = 64; // tokens in one figure

/**
 * The piece of an id, as the ui parts show it. An id beyond the tokenizer's, which a
 * model may have, is named by its number.
 * @param {{vocabulary: string[]}} about @param {number} id
 */
export function tokenPiece(about, id) {
  return { id, text: about.vocabulary[id] ?? `#${id}` };
}

/** Refuses a text that is too long to be read. @param {number} count */
export function checkRoom(count) {
  if (count <= TOKEN_ROOM) return;
  throw new Error(
    `${count} tokens, and a figure has room for ${TOKEN_ROOM}: shorten the text`,
  );
}
