/**
 * Checkpoints of the page: fetched when the first figure asks, kept for all others.
 *
 *     const shelf = new Shelf(document, scriptAddress);
 *     const loaded = await shelf.take("reader");
 *
 * The weights lie beside the page's script as scripts of their own, because a page that
 * was opened from a disk may load nothing else. A checkpoint that could not be loaded
 * is asked for again the next time.
 */

import { loadCheckpoint } from "../core/checkpoint.js";

const CHECKPOINT_NAME = /^[\w-]+$/;

/** What this page has loaded, by name. */
export class Shelf {
  /** @param {any} page the document @param {string} address of the page's script */
  constructor(page, address) {
    this.page = page;
    this.address = address;
    /** @type {Map<string, Promise<ReturnType<typeof loadCheckpoint>>>} */
    this.taken = new Map();
  }

  /** A checkpoint by name; rejects with a sentence. @param {string} name */
  take(name) {
    let loading = this.taken.get(name);
    if (loading === undefined) {
      loading = this.#load(name);
      this.taken.set(name, loading);
      loading.catch(() => this.taken.delete(name));
    }
    return loading;
  }

  async #load(name) {
    if (!CHECKPOINT_NAME.test(name)) {
      throw new Error(`"${name}" is no name of a model: letters, digits, - and _`);
    }
    const known = () => globalThis.MiniGPTModels?.[name];
    if (known() === undefined) await this.#inject(name);
    if (known() === undefined) {
      throw new Error(`the file minigpt-model-${name}.js holds no model "${name}"`);
    }
    const bytes = bytesOfBase64(known());
    const digest = globalThis.MiniGPTDigests?.[name];
    if (digest !== undefined && (await isDamaged(bytes, digest))) {
      throw new Error(`minigpt-model-${name}.js is damaged. Build the book again.`);
    }
    return loadCheckpoint(bytes);
  }

  /** Runs the script that brings the weights. */
  #inject(name) {
    const file = `minigpt-model-${name}.js`;
    return new Promise((resolve, reject) => {
      const script = this.page.createElement("script");
      script.src = new URL(file, this.address).href;
      script.onload = resolve;
      script.onerror = () => {
        script.remove();
        const reason = `the model "${name}" could not be loaded: there is no ${file} `;
        reject(new Error(`${reason}beside the page's script. Build the book again.`));
      };
      this.page.head.append(script);
    });
  }
}

/** Whether these bytes have another sha256; no, where the browser cannot tell. */
async function isDamaged(bytes, digest) {
  if (globalThis.crypto?.subtle === undefined) return false; // plain http
  const found = new Uint8Array(await globalThis.crypto.subtle.digest("SHA-256", bytes));
  return digest !== Array.from(found, (b) => b.toString(16).padStart(2, "0")).join("");
}

/** @param {string} text @returns {Uint8Array} */
export function bytesOfBase64(text) {
  let letters = "";
  try {
    letters = atob(text);
  } catch (cause) {
    throw new Error("the model's file is damaged. Build the book again.", { cause });
  }
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}
