/** The logit lens's questions to the model, and what is looked at in the answers. */

import { pieceName } from "../ui/pieces.js";
import { attributionKeep, lensGrid, lensPath, lensTop, logitParts, logitReader, readoutNames } from "./attribution.js";
import { checkRoom, tokenPiece } from "./tokens.js";

/** The lens and the parts, of the whole model and with the blocks that are off. */
export async function lensLoad({ ask, state, about }) {
  const { config } = about;
  const { ids, pieces } = await ask("encode", { text: state.text });
  checkRoom(ids.length);
  // a stream that is normalised after each addition is no sum
  const additive = config.norm_position !== "post";
  about.readout ??= additive // asked for once
    ? (await ask("weights", { names: readoutNames(config) })).arrays
    : null;
  const keep = additive ? attributionKeep(config) : [];
  const look = async (edits) => {
    const { lens } = (await ask("lens", { ids, edits })).arrays;
    return { lens, kept: (await ask("run", { ids, keep, edits })).arrays };
  };
  const whole = await look([]);
  const edits = state.off.map((hook) => ({ hook, op: "zero" }));
  const now = edits.length === 0 ? whole : await look(edits);
  const answers = lensGrid(whole.lens).at(-1);
  return { about, pieces, whole, now, cells: lensGrid(now.lens), answers };
}

/** What is looked at, with every choice made that the reader left open. */
export function lensView(result, state) {
  const { about, pieces, cells, answers, whole, now } = result;
  const last = cells.length - 1,
    end = pieces.length - 1;
  const depth = Math.max(0, Math.min(last, state.depth ?? last));
  const position = Math.max(0, Math.min(end, state.position ?? end));
  const answer = answers[position].id; // of the whole model, also when blocks are off
  const id = state.token ?? answer;
  const best = lensTop(whole.lens, last, position, 2);
  const rival = best.find((one) => one.id !== id).id;
  const token = (one) => tokenPiece(about, one);
  const { readout } = about;
  const sums =
    readout &&
    logitParts(
      now.kept,
      about.config,
      logitReader(about.config, readout, id, state.lead ? rival : null),
      position,
    );
  return {
    depth,
    position,
    id,
    rival,
    token,
    sums,
    at: pieceName(pieces[position]),
    name: pieceName(token(id)),
    who: id === answer ? "the model's answer, " : "",
    depths: depthNames(cells),
    chances: lensPath(now.lens, position, id),
    before: lensPath(whole.lens, position, id)[last],
  };
}

/** A name for every depth at which the lens reads. */
export function depthNames(cells) {
  return cells.map((_, i) => (i === 0 ? "start" : `layer ${i - 1}`));
}
