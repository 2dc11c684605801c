/**
 * Text and bytes: UTF-8 there and back, also for bytes that arrive one by one.
 *
 *     utf8Bytes("é")                               // Uint8Array [0xc3, 0xa9]
 *     bytesText(Uint8Array.of(0xc3))               // "\ufffd": half a character
 */

const LONE_SURROGATE = /[\ud800-\udfff]/u; // with the flag u, halves of a pair only

/**
 * The bytes of `text`. Throws, with the place, for a lone surrogate: half of a pair
 * from UTF-16, which is no character and has no bytes.
 * @param {string} text @returns {Uint8Array}
 */
export function utf8Bytes(text) {
  const place = text.search(LONE_SURROGATE);
  if (place >= 0) {
    const code = text.charCodeAt(place).toString(16).toUpperCase();
    const before = [...text.slice(0, place)].length; // in characters, as people count
    throw new Error(
      `character ${before} of ${[...text].length} is the lone surrogate U+${code}, ` +
        "which is no character and has no UTF-8 bytes; replace it first",
    );
  }
  return new TextEncoder().encode(text);
}

/**
 * The text of `bytes`; those that are no whole character become U+FFFD.
 * @param {Uint8Array} bytes @returns {string}
 */
export function bytesText(bytes) {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/**
 * Text as it arrives, token by token: it waits until a character is whole.
 *
 * All that `push` returned, and then `flush`, is the text of all the tokens' bytes.
 */
export class StreamDecoder {
  /** @param {{tokenBytes: (id: number) => Uint8Array}} tokenizer */
  constructor(tokenizer) {
    this.tokenizer = tokenizer;
    this.decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  }

  /** The characters that this token completes, perhaps none. @param {number} id */
  push(id) {
    return this.decoder.decode(this.tokenizer.tokenBytes(id), { stream: true });
  }

  /** The end of the text: U+FFFD if a character was left unfinished. */
  flush() {
    return this.decoder.decode();
  }
}
