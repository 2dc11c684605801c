/**
 * What kind of pattern a head has, and what the model loses without it.
 *
 *     const habits = habitsOf(pattern, ids);      // {previous: {share, even}, ...}
 *     habitName(habits);                          // "previous token", or "spread out"
 *
 * A habit is measured beside what it would be if every token read all tokens before it
 * evenly: a share alone says little in a short text.
 */

/** The habits that are looked for, and their names. */
export const HABITS = {
  previous: "previous token",
  self: "itself",
  first: "first token",
  repeat: "after its twin",
};
const CLEAR = 0.35; // a share below is no habit
const TIMES_EVEN = 1.8; // nor is one that even reading would nearly have

/** Whether query `t` reading key `s` is an instance of the habit. */
const HABIT_TESTS = {
  previous: (t, s) => s === t - 1,
  self: (t, s) => s === t,
  first: (t, s) => s === 0 && t > 1, // for the second token the first is the previous
  repeat: (t, s, ids) => s > 0 && s < t && ids[s - 1] === ids[t],
};

/**
 * Per habit, the share of their reading that tokens spend on it, and what even
 * reading would; averaged over the tokens that could have it, null if none could.
 * @param {ArrayLike<number>} pattern [T, T] @param {number[]} ids [T]
 * @returns {Record<string, {share: number, even: number} | null>}
 */
export function habitsOf(pattern, ids) {
  const T = ids.length;
  const found = {};
  for (const [habit, fits] of Object.entries(HABIT_TESTS)) {
    let share = 0,
      even = 0,
      tokens = 0;
    for (let t = 1; t < T; t++) {
      let own = 0,
        places = 0;
      for (let s = 0; s <= t; s++) {
        if (!fits(t, s, ids)) continue;
        own += pattern[t * T + s];
        places += 1;
      }
      if (places === 0) continue;
      share += own;
      even += places / (t + 1);
      tokens += 1;
    }
    found[habit] = tokens === 0 ? null : { share: share / tokens, even: even / tokens };
  }
  return found;
}

/** The clearest habit, or null: a large share, and far more than even reading. */
export function clearHabit(habits) {
  let best = null;
  for (const [habit, found] of Object.entries(habits)) {
    if (found === null || found.share < CLEAR) continue;
    if (found.share < TIMES_EVEN * found.even) continue;
    if (best === null || found.share > habits[best].share) best = habit;
  }
  return best;
}

/** All heads of a model, layer by layer. @returns {[number, number][]} */
export function allHeads({ n_layer, n_head }) {
  return Array.from({ length: n_layer * n_head }, (_, i) => [
    Math.floor(i / n_head),
    i % n_head,
  ]);
}

/** The edits that silence these heads: what they gathered becomes zero. */
export function silenced(heads) {
  return heads.map(([layer, head]) => ({
    hook: `blocks.${layer}.attn.z`,
    head,
    op: "zero",
  }));
}

/** The place of the largest number, sign apart; 0 if none is a number. */
export function mostMoved(effects) {
  let best = 0;
  effects.forEach((effect, i) => {
    if (Math.abs(effect ?? 0) > Math.abs(effects[best] ?? 0)) best = i;
  });
  return best;
}

/** The place of the head asked for; of several, that whose loss moves the loss most. */
export function chosenHead({ heads, config }, { layer, head }) {
  const asked = allHeads(config).flatMap(([l, h], place) =>
    (layer ?? l) === l && (head ?? h) === h ? [place] : [],
  );
  return asked[mostMoved(asked.map((place) => heads[place].cost))];
}
