/**
 * The file tokenizer.json of a byte-level BPE, as minigpt_edu/text writes it.
 *
 * JSON has no strings of bytes, so GPT-2 gave each byte a visible character: printable
 * ones stand for themselves, the others get characters from U+0100 on.
 *
 *     const { merges, special } = readTokenizerJson(text);     // pairs of ids; names
 */

/** Tokens that ordinary text cannot produce: ids 0 to 3. */
export const SPECIAL_TOKENS = ["<|pad|>", "<|unk|>", "<|bos|>", "<|eos|>"];

/** The first id that ordinary text can have. */
export const FIRST_ID = SPECIAL_TOKENS.length;

/** The character of each byte. @type {string[]} */
export const BYTE_LETTERS = byteLetters();

function byteLetters() {
  const printable = (byte) =>
    (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(printable(byte) ? byte : next++),
  );
}

/**
 * The merges, as pairs of ids, and the special tokens, by id. Only for files laid out
 * as ours: special tokens 0-3, bytes 4-259, merges in order, then further special
 * tokens. Throws, with the reason, for any other.
 * @param {string} text @returns {{merges: [number, number][], special: string[]}}
 */
export function readTokenizerJson(text) {
  let reason = null, merges = [], special = [];
  try {
    const data = JSON.parse(text);
    if (data.model === undefined) throw new Error(`it is of the kind "${data.kind}"`);
    const added = [...data.added_tokens].sort((a, b) => a.id - b.id);
    special = added.map((token) => token.content);
    const vocab = new Map(Object.entries(data.model.vocab));
    const texts = data.model.merges.map(mergeTexts);
    merges = texts.map(([left, right]) => [vocab.get(left), vocab.get(right)]);
    reason = otherSettings(data) ?? otherLayout(added, special, texts, vocab);
  } catch (error) {
    reason = error.message;
  }
  if (reason !== null) {
    throw new Error(`this is no tokenizer that the page can read: ${reason}`);
  }
  return { merges, special };
}

/** Why words would be cut or changed in another way, or null. */
function otherSettings({ model, normalizer, pre_tokenizer: split }) {
  if (model.type !== "BPE") return `its model is ${model.type} instead of BPE`;
  if (normalizer) return "it changes the text first (normalizer)";
  if (split?.type !== "ByteLevel" || split.add_prefix_space || !split.use_regex) {
    return "it does not cut text as GPT-2 does (pre_tokenizer)";
  }
  const extras = [
    "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
    "fuse_unk", "byte_fallback", "ignore_merges",
  ];
  const used = extras.find((name) => model[name]);
  return used === undefined ? null : `it uses ${used}`;
}

/** Why the ids would be others, or null. */
function otherLayout(added, special, texts, vocab) {
  const first = special.slice(0, FIRST_ID);
  if (first.join() !== SPECIAL_TOKENS.join()) {
    return `its special tokens begin ${first.join(" ")}`;
  }
  const tokens = [
    ...first,
    ...BYTE_LETTERS,
    ...texts.map(([left, right]) => left + right),
    ...special.slice(FIRST_ID),
  ];
  if (vocab.size !== tokens.length || tokens.some((t, id) => vocab.get(t) !== id)) {
    return "its ids are not special tokens, bytes and merges, in this order";
  }
  const plain = (t) =>
    t.special && !t.single_word && !t.lstrip && !t.rstrip && !t.normalized;
  const odd = added.find((t) => !plain(t) || vocab.get(t.content) !== t.id);
  return odd === undefined ? null : `its token ${odd.content} is no plain special one`;
}

function mergeTexts(merge) {
  const pair = typeof merge === "string" ? merge.split(" ") : merge;
  if (pair.length !== 2) throw new Error(`the merge "${merge}" is not a pair`);
  return pair;
}
