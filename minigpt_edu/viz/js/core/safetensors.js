/**
 * The file format safetensors: a JSON header that names tensors, then their bytes.
 *
 *     const { tensors, metadata } = readSafetensors(bytes);
 *     const weight = floatTensor(tensors.get("model.head.weight"));
 *
 * Nothing is read beyond what the header promises, and a header that promises what the
 * file does not hold is refused. Numbers are little-endian, as every browser's machine.
 */

import { makeTensor, shapeSize } from "./tensor.js";

/**
 * @typedef {{name: string, dtype: string, shape: number[], bytes: Uint8Array}}
 *   StoredTensor
 */

/** Bytes of one number. @type {Map<string, number>} */
const DTYPE_BYTES = new Map([
  ["BOOL", 1], ["U8", 1], ["I8", 1], ["U16", 2], ["I16", 2], ["F16", 2], ["BF16", 2],
  ["U32", 4], ["I32", 4], ["F32", 4], ["U64", 8], ["I64", 8], ["F64", 8],
]);

/**
 * Names, shapes and bytes; no number is converted yet. Throws, with the reason, when
 * the file is cut short, damaged, or something else.
 * @param {ArrayBuffer | Uint8Array} file
 * @returns {{tensors: Map<string, StoredTensor>, metadata: Record<string, string>}}
 */
export function readSafetensors(file) {
  const bytes = file instanceof Uint8Array ? file : new Uint8Array(file);
  const { header, start } = readHeader(bytes);
  const { __metadata__: metadata = {}, ...entries } = header;
  const data = bytes.subarray(start);
  const tensors = new Map();
  for (const [name, entry] of Object.entries(entries)) {
    tensors.set(name, storedTensor(name, entry, data));
  }
  const end = Math.max(0, ...Object.values(entries).map((e) => e.data_offsets[1]));
  if (end !== data.length) {
    throw new Error(
      `the file holds ${data.length} bytes of numbers and its header describes ${end}`,
    );
  }
  return { tensors, metadata };
}

function readHeader(bytes) {
  const notOurs = (reason) => new Error(`this is not a safetensors file: ${reason}`);
  if (bytes.length < 8) throw notOurs(`${bytes.length} bytes hold no header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > bytes.length - 8) {
    throw notOurs(
      `its header should have ${length} bytes and only ${bytes.length - 8} follow ` +
        "(was it cut short?)",
    );
  }
  let header;
  try {
    const text = new TextDecoder("utf-8", { fatal: true });
    header = JSON.parse(text.decode(bytes.subarray(8, 8 + length)));
  } catch (error) {
    throw notOurs(`its header is not JSON (${error.message})`);
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) {
    throw notOurs("its header is no JSON object");
  }
  return { header, start: 8 + length };
}

function storedTensor(name, entry, data) {
  const { dtype, shape, data_offsets: offsets } = entry ?? {};
  const whole = (value) => Number.isInteger(value) && value >= 0;
  const pair = Array.isArray(offsets) && offsets.length === 2 && offsets.every(whole);
  const unit = DTYPE_BYTES.get(dtype);
  if (unit === undefined || !Array.isArray(shape) || !shape.every(whole) || !pair) {
    throw new Error(`the header is damaged: it does not describe ${name}`);
  }
  const [from, to] = offsets;
  const size = shapeSize(shape) * unit;
  if (to - from !== size) {
    throw new Error(
      `the header is damaged: ${name} [${shape.join(", ")}] of ${dtype} needs ` +
        `${size} bytes and has ${to - from}`,
    );
  }
  if (to > data.length) {
    throw new Error(
      `the file was cut short: ${name} ends at byte ${to} of ${data.length}`,
    );
  }
  return { name, dtype, shape, bytes: data.subarray(from, to) };
}

/**
 * The numbers of a stored tensor as float32; halves are widened, without a loss.
 * @param {StoredTensor} stored @returns {import("./tensor.js").Tensor}
 */
export function floatTensor({ name, dtype, shape, bytes }) {
  // A copy, because a typed array may only begin at a multiple of its number's size.
  const { buffer } = new Uint8Array(bytes);
  if (dtype === "F32") return makeTensor(new Float32Array(buffer), shape);
  if (dtype === "F16") return makeTensor(widenHalves(new Uint16Array(buffer)), shape);
  if (dtype === "BF16") return makeTensor(widenBrain(new Uint16Array(buffer)), shape);
  throw new Error(`${name} is stored as ${dtype}; weights are F32, F16 or BF16`);
}

/** Half precision: 1 bit sign, 5 bits exponent, 10 bits fraction. */
function widenHalves(halves) {
  const bits = new Uint32Array(halves.length);
  const numbers = new Float32Array(bits.buffer);
  for (let i = 0; i < halves.length; i++) {
    const sign = (halves[i] & 0x8000) << 16;
    const exponent = (halves[i] >> 10) & 31;
    const fraction = halves[i] & 1023;
    if (exponent === 0) {
      const size = fraction * 2 ** -24; // zero, or too small for an exponent
      numbers[i] = sign ? -size : size;
    } else {
      const wider = exponent === 31 ? 255 : exponent + 112; // infinity stays infinity
      bits[i] = sign | (wider << 23) | (fraction << 13);
    }
  }
  return numbers;
}

/** bfloat16 is the upper half of a float32. */
function widenBrain(halves) {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i] << 16;
  return new Float32Array(bits.buffer);
}
