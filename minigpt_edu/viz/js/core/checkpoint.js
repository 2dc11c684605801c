/**
 * A checkpoint file: weights, config and tokenizer of one model, as Python wrote it.
 *
 *     const { model, tokenizer, info } = loadCheckpoint(bytes);
 *     model.feed(tokenizer.encode("Once"), new KVCache(model.config));
 *
 * The page and torch load the same file, also one in half precision, so that both have
 * the same weights to the last bit.
 */

import { ByteBPE } from "./bpe.js";
import { makeConfig } from "./config.js";
import { GPT } from "./model.js";
import { floatTensor, readSafetensors } from "./safetensors.js";
import { WeightTable } from "./weights.js";

const CHECKPOINT_FORMAT = "minigpt_edu/1";

/** @typedef {{config: import("./config.js").GPTConfig, meta: Record<string, any>,
 *   sha256: string, sizeBytes: number}} CheckpointInfo */

/** A file that cannot be used as a checkpoint, and why. */
export class CheckpointError extends Error {}

/**
 * The model, its tokenizer (null if none is stored), what the file says of itself, and
 * the parameters by the names they have in torch. Throws CheckpointError when the file
 * is damaged or of another kind.
 * @param {ArrayBuffer | Uint8Array} file
 * @returns {{model: GPT, tokenizer: ByteBPE | null, info: CheckpointInfo,
 *   weights: Map<string, import("./tensor.js").Tensor>}}
 */
export function loadCheckpoint(file) {
  try {
    const { tensors, metadata } = readSafetensors(file);
    const info = checkpointInfo(metadata, file.byteLength);
    const weights = new Map();
    for (const [name, stored] of tensors) {
      if (!name.startsWith("model.")) continue;
      weights.set(name.slice("model.".length), floatTensor(stored));
    }
    const model = new GPT(info.config, new WeightTable(weights));
    const tokenizer = storedTokenizer(tensors.get("tokenizer"));
    return { model, tokenizer, info, weights };
  } catch (error) {
    throw new CheckpointError(`not a usable checkpoint: ${error.message}`, {
      cause: error,
    });
  }
}

function checkpointInfo(metadata, sizeBytes) {
  if (metadata.format !== CHECKPOINT_FORMAT) {
    throw new Error(
      `its format is "${metadata.format}", expected "${CHECKPOINT_FORMAT}"`,
    );
  }
  return {
    config: makeConfig(JSON.parse(metadata.config)),
    meta: JSON.parse(metadata.meta),
    sha256: metadata.sha256,
    sizeBytes,
  };
}

function storedTokenizer(stored) {
  if (stored === undefined) return null;
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  return ByteBPE.fromJson(text.decode(stored.bytes));
}
