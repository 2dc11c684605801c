/**
 * Tokens as people can read them: spaces, line breaks and stray bytes get signs.
 *
 *     pieceNode({ id: 311, text: " boat" })      // <bdi class="mg-piece">·boat</bdi>
 *     pieceName({ id: 311, text: " boat" })      // “·boat”, for a sentence
 *
 * A piece is {id, text, bytes?, special?} as `encode` answers. Control and direction
 * characters are written as their code points, so that no token can turn a line round.
 */

import { element, span } from "./dom.js";

const SIGNS = { " ": "\u00b7", "\n": "\u21b5", "\t": "\u21e5", "\r": "\u240d" };
const SPOKEN = {
  " ": "space",
  "\n": "line break",
  "\t": "tab",
  "\r": "carriage return",
};
const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\u2028\u2029]/u;
const PICTURE = /\p{Extended_Pictographic}/u; // an emoji, with all that it is made of
const LETTERS = new Intl.Segmenter("und", { granularity: "grapheme" });
const BYTES = /^(?:<[0-9a-f]{2}>)+$/i;

/** Whether the piece is bytes that are no whole character. */
function isBytes({ text, bytes }) {
  return BYTES.test(text) && (bytes === undefined || bytes.length * 4 === text.length);
}

/** The piece as parts: {text, mark}, where a mark stands for something unseen. */
export function pieceParts(piece) {
  const { text, special } = piece;
  if (special) return [{ text, mark: true }];
  if (isBytes(piece)) {
    return text.match(/[0-9a-f]{2}/gi).map((byte) => ({ text: byte, mark: true }));
  }
  const parts = [];
  for (const letter of lettersOf(text)) {
    const sign = SIGNS[letter] ?? codePointSign(letter);
    if (sign !== null) parts.push({ text: sign, mark: true });
    else if (parts.length > 0 && !parts.at(-1).mark) parts.at(-1).text += letter;
    else
      parts.push({
        text: (/^\p{M}/u.test(letter) ? "\u25cc" : "") + letter,
        mark: false,
      });
  }
  return parts.length > 0 ? parts : [{ text: "\u2205", mark: true }];
}

/** The code points, but for emoji that are made of several. */
function lettersOf(text) {
  return Array.from(LETTERS.segment(text), ({ segment }) =>
    PICTURE.test(segment) ? [segment] : [...segment],
  ).flat();
}

function codePointSign(letter) {
  if (!UNSEEN.test(letter) || PICTURE.test(letter)) return null;
  return `U+${letter.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}

/** The piece, or a plain string, as an element for a label. */
export function pieceNode(piece) {
  if (typeof piece === "string") return element("bdi", { class: "mg-piece" }, piece);
  const parts = pieceParts(piece).map(({ text, mark }) =>
    mark ? span("mg-mark", text) : text,
  );
  const kind = piece.special || isBytes(piece) ? " mg-piece-code" : "";
  return element("bdi", { class: `mg-piece${kind}` }, parts);
}

/** The piece as a name within a sentence: “·boat”, the space, the bytes c3 a9. */
export function pieceName(piece) {
  if (typeof piece === "string") return piece;
  if (isBytes(piece)) {
    const bytes = pieceParts(piece).map((part) => part.text);
    return `the byte${bytes.length > 1 ? "s" : ""} ${bytes.join(" ")}`;
  }
  if (/^\s*$/.test(piece.text)) {
    const names = [...piece.text].map(
      (letter) => SPOKEN[letter] ?? codePointSign(letter),
    );
    return names.length > 0 ? `the ${names.join(" and ")}` : "the empty token";
  }
  const shown = pieceParts(piece).map((part) => part.text);
  return `\u2068“${shown.join("")}”\u2069`;
}
