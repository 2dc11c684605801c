/**
 * The frame of every figure: question, controls, picture, sentence, table, note.
 *
 *     const frame = new Frame({ model, el, question, load, draw, sentence, table });
 *     frame.promptField();
 *     frame.body.append(matrix.element);
 *     return frame.start();
 *
 * `state` is one plain object: the defaults, then what the config asks, then what the
 * reader chose before. `frame.set(changes)` changes it, saves it in the trait
 * `selection`, loads again if something in `reload` changed, and draws. An error is
 * shown as a sentence and leaves the last picture.
 */

import { Caller, Outdated } from "./call.js";
import { div, element, fill, freshId, span } from "./dom.js";
import { aboutLine } from "./about.js";
import { checkLength, checkPlace } from "./limits.js";
import { pageStore } from "./store.js";
import { tableOf } from "./table.js";
import { textField } from "./controls.js";
import { watchTheme } from "./theme.js";

const MOST_TOKENS = 64;
const GONE = "The kernel is gone: run the cell again to go on.";

/**
 * @typedef {{ask: (method: string, args?: any) => Promise<any>, state: any,
 *   about: any}} Loading
 * @typedef {{model: any, el: HTMLElement, question: string,
 *   state?: Record<string, any>, reload?: string[],
 *   offline?: boolean, illustrative?: boolean, most?: number,
 *   load: (given: Loading) => any, draw: (result: any, state: any) => void,
 *   sentence: (result: any, state: any) => any,
 *   note?: (result: any, state: any) => string,
 *   table?: (result: any, state: any) => any}} FrameParts
 *   `reload`: the state that needs new answers; `most`: the most tokens;
 *   `offline`: no model is asked;
 *   a sentence is a text or a list of texts and nodes; a table is what tableOf takes
 */

/** One figure in the page. */
export class Frame {
  /** @param {FrameParts} parts */
  constructor(parts) {
    const { model, el } = parts;
    this.parts = { reload: ["text"], most: MOST_TOKENS, ...parts };
    this.model = model;
    this.caller = new Caller(model);
    this.result = null; // of the last load that went well
    this.about = null;
    this.turn = 0; // which load is the newest
    this.stops = [() => this.caller.close()];
    this.state = {};
    this.#readState();
    el.classList.add("mg-viz");
    if (!el.hasAttribute("role")) el.setAttribute("role", "group");
    if (!el.hasAttribute("aria-label")) el.setAttribute("aria-label", parts.question);
    this.#build(el);
  }

  #build(el) {
    const tableId = freshId();
    this.controls = div("mg-controls");
    this.body = div("mg-body");
    this.sentence = element("p", { class: "mg-sentence", "aria-live": "polite" });
    this.error = element("p", { class: "mg-error", role: "status" });
    this.note = span("mg-note");
    this.table = element("div", { class: "mg-table-place", id: tableId, hidden: true });
    this.button = element(
      "button",
      {
        type: "button",
        class: "mg-plain-button",
        "aria-expanded": "false",
        "aria-controls": tableId,
        onclick: () => this.#toggleTable(),
      },
      "Show as table",
    );
    this.question = element("p", { class: "mg-question" }, this.parts.question);
    const foot = div("mg-foot", this.note, this.parts.table ? this.button : null);
    this.element = div(
      "mg-frame",
      this.question,
      this.controls,
      this.error,
      this.body,
      this.sentence,
      foot,
      this.table,
    );
    el.append(this.element);
    this.stops.push(() => this.element.remove());
  }

  /** The text field for the state's `text`. */
  promptField(label = "Your text") {
    this.prompt = textField({
      label,
      onInput: (text) => this.set({ text, position: null }),
    });
    this.prompt.update(this.state.text ?? "");
    this.controls.append(this.prompt.element);
    return this.prompt;
  }

  /** Loads and draws for the first time; returns what takes the figure away again. */
  start() {
    const listen = (name, action) => {
      this.model.on(name, action);
      this.stops.push(() => this.model.off(name, action));
    };
    listen("change:selection", () => this.#followSelection());
    listen(
      "change:status",
      () => this.model.get("status") === "gone" && this.#show(GONE),
    );
    this.stops.push(watchTheme(() => this.#draw()));
    this.#load();
    return () => this.stops.splice(0).forEach((stop) => stop());
  }

  /** Changes the state. @param {Record<string, any>} changes */
  set(changes) {
    if (!this.#change(changes)) return;
    this.model.set("selection", { ...this.state });
    this.model.save_changes();
    if (Number.isInteger(changes.position)) {
      pageStore().choose(this.state.text, changes.position, this);
    }
  }

  /** Whether anything is new; loads or draws if so. */
  #change(changes) {
    const fresh = Object.keys(changes).filter(
      (key) => JSON.stringify(changes[key]) !== JSON.stringify(this.state[key]),
    );
    Object.assign(this.state, changes);
    if (fresh.some((key) => this.parts.reload.includes(key))) this.#load();
    else if (fresh.length > 0) this.#draw();
    return fresh.length > 0;
  }

  #readState() {
    const config = this.model.get("config") ?? {};
    const chosen = this.model.get("selection") ?? {};
    const text = config.prompt === undefined ? {} : { text: config.prompt };
    const given = { ...this.parts.state, ...text, ...config, ...chosen };
    const known = Object.keys({ ...this.parts.state, ...text });
    for (const key of known)
      this.state[key] = given[key] ?? this.parts.state?.[key] ?? null;
  }

  #followSelection() {
    const chosen = this.model.get("selection") ?? {};
    const known = Object.entries(chosen).filter(([key]) => key in this.state);
    this.#change(Object.fromEntries(known));
  }

  async #load() {
    const turn = ++this.turn;
    const ask = async (method, args) => {
      if (turn !== this.turn) throw new Outdated(method); // a newer load has begun
      const answer = await this.caller.ask(method, args);
      if (method === "encode") checkLength(answer.ids.length, this.parts.most);
      return answer;
    };
    if (this.result === null) this.#status("loading");
    this.element.classList.add("mg-busy");
    try {
      if (!this.parts.offline) this.about ??= await ask("about");
      const { state, about } = this;
      checkPlace(state, about?.config);
      const result = await this.parts.load({ ask, state, about });
      if (turn !== this.turn) return;
      this.#drawFirst(result);
      this.#follow();
      this.#show("");
    } catch (problem) {
      if (turn !== this.turn || problem instanceof Outdated) return;
      this.#show(problem.message);
      if (this.result === null) this.#status("error");
    } finally {
      if (turn === this.turn) this.element.classList.remove("mg-busy");
    }
  }

  /** Draws a new result; if that fails, the last one stays. */
  #drawFirst(result) {
    const before = this.result;
    this.result = result;
    try {
      this.#draw();
    } catch (problem) {
      this.result = before;
      throw problem;
    }
  }

  /** Other figures of the same text may choose the position here. */
  #follow() {
    if (!("position" in this.state) || this.followed === this.state.text) return;
    this.stopFollowing?.();
    this.followed = this.state.text;
    const stop = pageStore().follow(this.followed, (position, from) => {
      if (from !== this) this.#change({ position });
    });
    this.stopFollowing = stop;
    this.stops.push(stop);
  }

  #draw() {
    const { result, state, parts } = this;
    if (result === null) return;
    this.prompt?.update(state.text ?? "");
    parts.draw(result, state);
    const said = [parts.sentence(result, state)].flat(Infinity);
    const text = said.map((part) => part?.textContent ?? part).join("");
    if (text !== this.sentence.textContent) fill(this.sentence, said);
    const who = parts.illustrative ? "Illustrative numbers." : aboutLine(this.about);
    fill(this.note, [parts.note?.(result, state), who].filter(Boolean).join(" "));
    if (!this.table.hidden) this.#fillTable();
    if (this.model.get("status") !== "gone") this.#status("ready");
  }

  #toggleTable() {
    this.table.hidden = !this.table.hidden;
    this.button.textContent = this.table.hidden ? "Show as table" : "Hide the table";
    this.button.setAttribute("aria-expanded", String(!this.table.hidden));
    if (!this.table.hidden) this.#fillTable();
  }

  #fillTable() {
    if (this.result !== null)
      fill(this.table, tableOf(this.parts.table(this.result, this.state)));
  }

  #show(message) {
    if (this.error.textContent !== message) this.error.textContent = message;
  }

  #status(status) {
    if (this.model.get("status") === status) return;
    this.model.set("status", status);
    this.model.save_changes();
  }
}
