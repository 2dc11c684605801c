/** What a figure refuses, in a sentence: texts too long, places the model has not. */

/** A text must have a token, and not more than a figure can show. */
export function checkLength(tokens, most) {
  if (tokens === 0) throw new Error("There is no text yet: type a word.");
  if (tokens <= most) return;
  throw new Error(
    `${tokens} tokens are more than the ${most} that the figure can show: ` +
      "take a shorter text.",
  );
}

/** Throws when a layer or head is asked for that the model does not have. */
export function checkPlace(state, config) {
  if (!config) return;
  for (const [name, count] of [["layer", config.n_layer], ["head", config.n_head]]) {
    if (Number.isInteger(state[name]) && state[name] >= count) {
      throw new Error(
        `there is no ${name} ${state[name]}: this model has ${name}s 0 to ${count - 1}`,
      );
    }
  }
}
