/**
 * The widget's protocol without a kernel: traits, and calls that the engine answers.
 *
 *     const model = new PageModel({ config, selection: {} }, async () => source);
 *     model.on("msg:custom", (content, buffers) => ...);
 *     model.send({ id: 1, method: "encode", args: { text: "boat" } });
 *
 * A view cannot tell it from the model of a notebook: answers come later, in the order
 * of the questions, as JSON and one DataView for each array.
 */

import { breathe } from "./engine_source.js";

/** What a figure of a page knows, says and asks. */
export class PageModel {
  /**
   * @param {Record<string, any>} traits
   * @param {() => Promise<import("./engine_source.js").EngineSource | null>} source
   */
  constructor(traits, source) {
    this.traits = { selection: {}, status: "loading", ...traits };
    this.source = source;
    /** @type {Map<string, Set<Function>>} */
    this.listeners = new Map();
    this.last = Promise.resolve(); // the answer before
    this.closed = false;
  }

  /** @param {string} name */
  get(name) {
    return this.traits[name];
  }

  /** Whoever listens hears of it, if the value is another. */
  set(name, value) {
    const same = JSON.stringify(this.traits[name]) === JSON.stringify(value);
    this.traits[name] = value;
    if (!same) this.#tell(`change:${name}`, this, value);
  }

  /** There is nobody else to tell. */
  save_changes() {}

  /** @param {string} event @param {Function} listener */
  on(event, listener) {
    if (!this.listeners.has(event)) this.listeners.set(event, new Set());
    this.listeners.get(event)?.add(listener);
  }

  /** One listener less; all of them without a listener. */
  off(event, listener) {
    if (listener === undefined || listener === null) this.listeners.delete(event);
    else this.listeners.get(event)?.delete(listener);
  }

  /** Asks; a message answers. @param {{id: any, method: string, args?: any}} call */
  send(call) {
    this.last = this.last
      .then(() => this.#answer(call))
      .catch((problem) => console.error(problem)); // of a listener
  }

  /** Nothing is answered any more. */
  close() {
    this.closed = true;
    this.listeners.clear();
  }

  async #answer({ id, method, args }) {
    await breathe();
    if (this.closed) return;
    const { buffers, ...said } = await this.#result(method, args ?? {}).catch(
      (problem) => ({ error: problem.message, buffers: [] }),
    );
    this.#tell("msg:custom", { id, ...said }, buffers);
  }

  async #result(method, args) {
    const source = await this.source();
    if (source === null) throw new Error("this figure has no model to ask");
    const { values, arrays } = await source.answer(method, args);
    const listed = Object.entries(arrays);
    const described = listed.map(([name, { shape }]) => ({ name, shape }));
    const buffers = listed.map(([, { data }]) => new DataView(data.slice().buffer));
    return { result: { ...values, arrays: described }, buffers };
  }

  #tell(event, ...news) {
    for (const listener of [...(this.listeners.get(event) ?? [])]) listener(...news);
  }
}
