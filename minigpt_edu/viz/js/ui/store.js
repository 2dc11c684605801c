/**
 * What the figures of a page share: which token of which text the reader looks at.
 *
 *     const stop = pageStore().follow(text, listener);   // listener(position, from)
 *     pageStore().choose(text, 3, this);
 *
 * One store per page, found under a global name, so that two bundles share it too.
 */

/** Who listens to which text, and the number of the next question to a model. */
export class PageStore {
  constructor() {
    /** @type {Map<string, Set<(position: number, from: any) => void>>} */
    this.listeners = new Map();
    this.asked = 0;
  }

  /** Calls `listener` whenever a figure chooses a position in `text`, until stopped. */
  follow(text, listener) {
    if (!this.listeners.has(text)) this.listeners.set(text, new Set());
    this.listeners.get(text)?.add(listener);
    return () => {
      this.listeners.get(text)?.delete(listener);
      if (this.listeners.get(text)?.size === 0) this.listeners.delete(text);
    };
  }

  /** Tells the figures of this text; `from` is who chose. */
  choose(text, position, from) {
    for (const listener of [...(this.listeners.get(text) ?? [])])
      listener(position, from);
  }

  /** A number that no other question of this page has. */
  nextId() {
    this.asked += 1;
    return this.asked;
  }
}

/** The store of this page. @returns {PageStore} */
export function pageStore() {
  globalThis.MiniGPTStore ??= new PageStore();
  return globalThis.MiniGPTStore;
}
