/**
 * Names written by people: patterns with wildcards, and what was probably meant.
 *
 *     globPattern("blocks.*.attn.z").test("blocks.0.attn.z")      // true
 *     closeMatches("atn.z", ["attn.z", "mlp.pre"])                // ["attn.z"]
 *
 * Both give what Python's `fnmatch` and `difflib` give, so that a figure in the page
 * and one with a kernel answer alike.
 */

/**
 * A shell pattern as a regular expression: * any characters, ? one, [ab] one of these,
 * [!ab] one that is none of these.
 * @param {string} pattern @returns {RegExp}
 */
export function globPattern(pattern) {
  let source = "";
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i];
    const close = character === "[" ? closingBracket(pattern, i) : -1;
    if (character === "*") source += ".*";
    else if (character === "?") source += ".";
    else if (close > 0) {
      source += characterSet(pattern.slice(i + 1, close));
      i = close;
    } else source += escaped(character);
  }
  return new RegExp(`^(?:${source})$`, "s");
}

/** Where the set that opens at `open` ends; a "]" that comes first belongs to it. */
function closingBracket(pattern, open) {
  const first = pattern[open + 1] === "!" ? open + 2 : open + 1;
  return pattern.indexOf("]", first + 1);
}

/** "a-cx" -> "[a-cx]": ranges and single characters; a range backwards is empty. */
function characterSet(inside) {
  const outside = inside[0] === "!";
  const members = outside ? inside.slice(1) : inside;
  let parts = "";
  for (let i = 0; i < members.length; i++) {
    if (members[i + 1] === "-" && i + 2 < members.length) {
      const [low, high] = [members[i], members[i + 2]];
      if (low <= high) parts += `${escaped(low)}-${escaped(high)}`;
      i += 2;
    } else parts += escaped(members[i]);
  }
  if (parts === "") return outside ? "." : "(?!)";
  return outside ? `[^${parts}]` : `[${parts}]`;
}

function escaped(character) {
  return character.replace(/[\\^$.*+?()[\]{}|\-/]/, "\\$&");
}

/**
 * The names most like `word`, best first: at most `count`, none below `cutoff`.
 * @param {string} word @param {Iterable<string>} names @returns {string[]}
 */
export function closeMatches(word, names, count = 3, cutoff = 0.6) {
  const scored = [];
  for (const name of names) {
    const ratio = likeness(name, word);
    if (ratio >= cutoff) scored.push({ name, ratio });
  }
  scored.sort((a, b) => b.ratio - a.ratio || (a.name < b.name ? 1 : -1));
  return scored.slice(0, count).map(({ name }) => name);
}

/** Twice the characters in common over all characters (Ratcliff and Obershelp 1988). */
function likeness(a, b) {
  const both = a.length + b.length;
  return both === 0 ? 1 : (2 * inCommon(a, 0, a.length, b, 0, b.length)) / both;
}

/** The longest common piece, and the same again left and right of it. */
function inCommon(a, aFrom, aTo, b, bFrom, bTo) {
  let best = 0, aBest = aFrom, bBest = bFrom;
  let above = new Map(); // length of the common piece that ends at b[j], a row earlier
  for (let i = aFrom; i < aTo; i++) {
    const row = new Map();
    for (let j = bFrom; j < bTo; j++) {
      if (a[i] !== b[j]) continue;
      const length = (above.get(j - 1) ?? 0) + 1;
      row.set(j, length);
      if (length > best) {
        best = length, aBest = i - length + 1, bBest = j - length + 1;
      }
    }
    above = row;
  }
  if (best === 0) return 0;
  const left = inCommon(a, aFrom, aBest, b, bFrom, bBest);
  return left + best + inCommon(a, aBest + best, aTo, b, bBest + best, bTo);
}
