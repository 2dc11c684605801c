/**
 * Byte-level BPE: text to token ids as GPT-2 makes them, and back.
 *
 *     const tokenizer = ByteBPE.fromJson(text);
 *     tokenizer.encode("It's light");           // ids equal to those of ByteBPE.encode
 *     [...tokenizer.steps("light")];            // the ids after each merge
 *
 * Sennrich et al. 2016, arXiv:1508.07909; bytes and the split: Radford et al. 2019.
 */

import { FIRST_ID, SPECIAL_TOKENS, readTokenizerJson } from "./tokenizer_json.js";
import { bytesText, utf8Bytes } from "./utf8.js";

/**
 * Where GPT-2 cuts text into words. White space is named by its Unicode property: \s of
 * JavaScript has U+FEFF and lacks U+0085. On characters that are newer than the
 * browser's Unicode tables the cuts can differ from Python's.
 */
const WORD = new RegExp(
  [
    "'s|'t|'re|'ve|'m|'ll|'d", // the English endings, in lower case only
    " ?\\p{L}+", // letters, with the space before them
    " ?\\p{N}+", // digits
    " ?[^\\p{White_Space}\\p{L}\\p{N}]+", // punctuation, symbols, emoji
    "\\p{White_Space}+(?!\\P{White_Space})", // but the last belongs to the next word
    "\\p{White_Space}+",
  ].join("|"),
  "gu",
);

const CACHED_WORDS = 32_768; // different words kept with their ids
const LONGEST_CACHED = 64; // a longer one hardly comes again

/** The words of `text`; joined, they are the text. @param {string} text */
export function splitWords(text) {
  return text.match(WORD) ?? [];
}

/** A tokenizer: its merges in the order in which they were learned. */
export class ByteBPE {
  /**
   * @param {[number, number][]} merges @param {string[]} [special] the names in order
   */
  constructor(merges, special = SPECIAL_TOKENS) {
    const names = [...new Set([...SPECIAL_TOKENS, ...special])];
    const bytes = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte));
    /** @type {Uint8Array[]} id -> bytes */
    this.table = [...names.slice(0, FIRST_ID).map(utf8Bytes), ...bytes];
    /** @type {Map<number, Map<number, number>>} left id -> right id -> merged id */
    this.mergedId = new Map();
    for (const [left, right] of merges) this.#addMerge(left, right);
    this.merges = merges.map(([left, right]) => [left, right]);
    /** @type {Map<string, number>} name -> id */
    this.special = new Map(names.slice(0, FIRST_ID).map((name, id) => [name, id]));
    for (const name of names.slice(FIRST_ID)) {
      this.special.set(name, this.table.length);
      this.table.push(utf8Bytes(name));
    }
    this.words = new Map();
  }

  /** The tokenizer in a tokenizer.json. @param {string} text @returns {ByteBPE} */
  static fromJson(text) {
    const { merges, special } = readTokenizerJson(text);
    return new ByteBPE(merges, special);
  }

  #addMerge(left, right) {
    const id = this.table.length;
    const made = (part) => Number.isInteger(part) && part >= FIRST_ID && part < id;
    if (!made(left) || !made(right)) {
      throw new Error(
        `merge ${id - FIRST_ID - 256} joins the ids ${left} and ${right}; both must ` +
          `be ordinary tokens made before it, from ${FIRST_ID} to ${id - 1}`,
      );
    }
    this.table.push(Uint8Array.of(...this.table[left], ...this.table[right]));
    if (!this.mergedId.has(left)) this.mergedId.set(left, new Map());
    this.mergedId.get(left)?.set(right, id);
  }

  /** How many ids there are; every id is below it. @returns {number} */
  get vocabSize() {
    return this.table.length;
  }

  /**
   * The ids of `text`. Special tokens in it are read only with `allowSpecial`. Throws,
   * with the place, for a lone surrogate.
   * @param {string} text @param {{allowSpecial?: boolean}} [options]
   * @returns {number[]}
   */
  encode(text, { allowSpecial = false } = {}) {
    utf8Bytes(text);
    if (!allowSpecial) return this.#encodePlain(text);
    const ids = [];
    let from = 0;
    for (const found of text.matchAll(this.#specialPattern())) {
      for (const id of this.#encodePlain(text.slice(from, found.index))) ids.push(id);
      ids.push(/** @type {number} */ (this.special.get(found[0])));
      from = found.index + found[0].length;
    }
    for (const id of this.#encodePlain(text.slice(from))) ids.push(id);
    return ids;
  }

  #specialPattern() {
    const longestFirst = [...this.special.keys()].sort((a, b) => b.length - a.length);
    const plain = (name) => name.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
    return new RegExp(longestFirst.map(plain).join("|"), "g");
  }

  #encodePlain(text) {
    const ids = [];
    for (const word of splitWords(text)) {
      for (const id of this.#wordIds(word)) ids.push(id);
    }
    return ids;
  }

  #wordIds(word) {
    let ids = this.words.get(word);
    if (ids === undefined) {
      for (ids of this.#steps(word)); // the last step
      if (word.length <= LONGEST_CACHED) {
        if (this.words.size >= CACHED_WORDS) this.words.clear();
        this.words.set(word, ids);
      }
    }
    return ids;
  }

  /**
   * The ids of one word after each merge, from its bytes to its tokens: look at all
   * neighbours, take the merge that was learned first, replace it everywhere, repeat.
   * Throws if the text is more than one word.
   * @param {string} word @returns {Generator<number[]>}
   */
  steps(word) {
    const words = splitWords(word);
    if (words.length > 1) {
      throw new Error(
        `steps takes one word, and "${word}" is cut into ${words.length}: ` +
          words.map((part) => `"${part}"`).join(", "),
      );
    }
    return this.#steps(word);
  }

  *#steps(word) {
    let ids = Array.from(utf8Bytes(word), (byte) => byte + FIRST_ID);
    for (let first = this.#firstMerge(ids); ; first = this.#firstMerge(ids)) {
      yield ids;
      if (first === Infinity) return;
      ids = this.#replaced(ids, first);
    }
  }

  /** The earliest merge of two neighbours, or Infinity. */
  #firstMerge(ids) {
    let first = Infinity;
    for (let i = 0; i + 1 < ids.length; i++) {
      const id = this.mergedId.get(ids[i])?.get(ids[i + 1]);
      if (id !== undefined && id < first) first = id;
    }
    return first;
  }

  /** From left to right, without overlap. */
  #replaced(ids, merged) {
    const [left, right] = this.merges[merged - FIRST_ID - 256];
    const shorter = [];
    for (let i = 0; i < ids.length; i++) {
      const both = ids[i] === left && ids[i + 1] === right;
      shorter.push(both ? merged : ids[i]);
      if (both) i++;
    }
    return shorter;
  }

  /** The bytes of one token. @param {number} id @returns {Uint8Array} */
  tokenBytes(id) {
    const bytes = this.table[id];
    if (bytes !== undefined) return bytes;
    throw new Error(
      `token id ${id} is outside the vocabulary of ${this.vocabSize} tokens: ids run ` +
        `from 0 to ${this.vocabSize - 1}`,
    );
  }

  /** The text of `ids`; bytes that are no whole character become U+FFFD. */
  decode(ids) {
    const pieces = Array.from(ids, (id) => this.tokenBytes(id));
    const size = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const bytes = new Uint8Array(size);
    let at = 0;
    for (const piece of pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytesText(bytes);
  }
}
