/**
 * The model of a widget, whose questions are watched: is anybody there to answer?
 *
 *     const model = new WatchedModel(widgetModel);
 *     model.get("status")               // "gone" when the kernel is
 *
 * A restart tells the widget at once (comm_live_update: ipywidgets sets that only when
 * the line is cut). A kernel that died, or has forgotten the figure, is known by its
 * silence: a question waits, and the kernel is not busy. A busy one is waited for, and
 * an answer that comes after all is heard.
 *
 * What a figure shows belongs to its own element: the status is kept here, and other
 * drawings of the same widget have theirs.
 */

const SILENCE = 5_000; // milliseconds after which a question is in doubt
const PATIENCE = 60_000; // where nobody says whether the kernel is busy

/** A model with the same protocol. */
export class WatchedModel {
  /**
   * @param {any} model anywidget's
   * @param {{alone?: boolean, silence?: number, patience?: number}} [options] `alone`:
   *   the figure needs no kernel
   */
  constructor(model, options = {}) {
    const { alone = false, silence = SILENCE, patience = PATIENCE } = options;
    this.model = model;
    this.alone = alone;
    this.silence = silence;
    this.patience = patience;
    this.status = "loading";
    /** @type {Set<() => void>} */
    this.statusListeners = new Set();
    /** @type {Map<any, any>} question -> its timer */
    this.open = new Map();
    this.before = "loading"; // the status that "gone" took the place of
    this.hear = (content) => this.#heard(content?.id);
    this.end = () => this.#lose();
    model.on("msg:custom", this.hear);
    model.on("comm_live_update", this.end);
    model.on("comm:close", this.end);
  }

  /** @param {string} name */
  get(name) {
    return name === "status" ? this.status : this.model.get(name);
  }

  /** Sets a trait; a status stays "gone" until somebody answers. */
  set(name, value) {
    if (name !== "status") this.model.set(name, value);
    else if (this.status === "gone") this.before = value;
    else this.#say(value);
    if (name === "status" && value !== "gone") this.model.set(name, value);
  }

  /** Tells Python, if it is there. */
  save_changes() {
    if (this.status !== "gone") this.#tried(() => this.model.save_changes());
  }

  on(event, listener) {
    if (event === "change:status") this.statusListeners.add(listener);
    else this.model.on(event, listener);
  }

  off(event, listener) {
    if (event !== "change:status") this.model.off(event, listener);
    else if (listener) this.statusListeners.delete(listener);
    else this.statusListeners.clear();
  }

  /** Asks, and waits for an answer. @param {{id: any}} call */
  send(call) {
    if (this.#tried(() => this.model.send(call))) this.#wait(call.id, 0);
  }

  /** Watches no longer. */
  close() {
    for (const timer of this.open.values()) clearTimeout(timer);
    this.open.clear();
    this.statusListeners.clear();
    this.model.off("msg:custom", this.hear);
    this.model.off("comm_live_update", this.end);
    this.model.off("comm:close", this.end);
  }

  /** Whether it could be said; not to a connection that is closed. */
  #tried(action) {
    try {
      action();
      return true;
    } catch {
      this.#lose();
      return false;
    }
  }

  #wait(id, waited) {
    const doubt = () => this.#doubt(id, waited + this.silence);
    this.open.set(id, setTimeout(doubt, this.silence));
  }

  #doubt(id, waited) {
    const kernel = this.model.widget_manager?.kernel;
    const busy = kernel ? kernel.status === "busy" : waited < this.patience;
    if (busy) this.#wait(id, waited);
    else this.#lose();
  }

  #heard(id) {
    clearTimeout(this.open.get(id));
    this.open.delete(id);
    if (this.status === "gone") this.#say(this.before);
  }

  #lose() {
    for (const timer of this.open.values()) clearTimeout(timer);
    this.open.clear();
    if (this.status === "gone" || this.alone) return;
    this.before = this.status;
    this.#say("gone");
  }

  #say(status) {
    if (this.status === status) return;
    this.status = status;
    for (const listener of [...this.statusListeners]) listener();
  }
}
