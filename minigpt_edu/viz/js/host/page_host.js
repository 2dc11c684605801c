/**
 * The figures of a page: found, drawn when they come near, answered by the engine.
 *
 *     new PageHost({ page: document, views: VIEWS, address: scriptAddress }).start();
 *
 * Until its first drawing a figure keeps the picture that the book was built with. Only
 * so many are live at once: the oldest that is out of sight gives way, and comes back
 * as the reader left it.
 */

import { didYouMean } from "../core/spelling.js";
import { EngineSource } from "./engine_source.js";
import { PageModel } from "./page_model.js";
import { Shelf } from "./weights.js";

/** How many figures of a page are live at once. */
export const LIVE_FIGURES = 12;

const FIGURE_MARGIN = "300px 0px"; // a figure is drawn when it is as near as this

/** All figures of one page. */
export class PageHost {
  /**
   * @param {{page: any, views: Record<string, (host: {model: any, el: any}) => any>,
   *   address: string, limit?: number}} options `address` is that of the page's script
   */
  constructor({ page, views, address, limit = LIVE_FIGURES }) {
    this.page = page;
    this.views = views;
    this.limit = limit;
    this.shelf = new Shelf(page, address);
    /** @type {Map<any, {model: PageModel, remove: () => void}>} oldest first */
    this.live = new Map();
    this.near = new Set();
    this.left = new Map(); // figure -> its selection when it gave way
  }

  /** Draws each figure when it comes near. */
  start() {
    const watch = new IntersectionObserver((seen) => this.#look(seen), {
      rootMargin: FIGURE_MARGIN,
    });
    const figures = this.page.querySelectorAll("figure.mg-viz");
    figures.forEach((figure) => watch.observe(figure));
  }

  #look(seen) {
    for (const { target, isIntersecting } of seen) {
      if (!isIntersecting) this.near.delete(target);
      else {
        this.near.add(target);
        this.mount(target);
      }
    }
  }

  /** Makes a figure live, unless it is. @param {any} figure */
  mount(figure) {
    if (this.live.has(figure) || figure.dataset.state === "error") return;
    this.#makeRoom();
    try {
      const config = JSON.parse(figure.dataset.config || "{}");
      if (config.checkpoint === null) this.#sayStill(figure);
      else this.#render(figure, config);
    } catch (problem) {
      this.live.delete(figure);
      this.#sayError(figure, problem.message);
    }
  }

  #render(figure, config) {
    const kind = figure.dataset.view;
    if (!Object.hasOwn(this.views, kind)) {
      const near = didYouMean(String(kind), Object.keys(this.views));
      throw new Error(`this page can draw no figure "${kind}": ${near}`);
    }
    const selection = this.left.get(figure) ?? {};
    const source = sourceMaker(this.shelf, config);
    const model = new PageModel({ kind, config, selection }, source);
    const before = [...figure.children]; // what `make refresh` or the author put there
    const showState = () => {
      const status = model.get("status");
      figure.dataset.state = status;
      if (status === "ready") hideWords(before, true);
    };
    model.on("change:status", showState);
    showState();
    const cleanup = this.views[kind]({ model, el: figure });
    const remove = () => {
      model.close();
      cleanup?.();
      hideWords(before, false);
      figure.dataset.state = "static";
    };
    this.live.set(figure, { model, remove });
  }

  /** Takes away the oldest figure that is out of sight, if there are too many. */
  #makeRoom() {
    if (this.live.size < this.limit) return;
    const unseen = [...this.live.keys()].find((figure) => !this.near.has(figure));
    if (unseen === undefined) return;
    const { model, remove } = this.live.get(unseen);
    this.left.set(unseen, model.get("selection"));
    this.live.delete(unseen);
    remove();
  }

  #sayError(figure, message) {
    figure.dataset.state = "error";
    this.#say(figure, "mg-error", message);
  }

  /** A figure of the notebook's own model stays a picture. */
  #sayStill(figure) {
    if (figure.querySelector(".mg-still") !== null) return;
    const words = "A picture: the model it shows lives in the notebook. Run it there.";
    this.#say(figure, "mg-note mg-still", words);
  }

  #say(figure, kind, message) {
    const line = this.page.createElement("p");
    line.className = kind;
    line.textContent = message;
    figure.append(line);
  }
}

/** Loads the checkpoint that a config names, at the first question. */
function sourceMaker(shelf, { checkpoint }) {
  if (checkpoint === undefined) return async () => null;
  let made = null;
  return async () => {
    made ??= new EngineSource(checkpoint, await shelf.take(checkpoint));
    return made;
  };
}

/** A description that stood for the picture goes; a picture is kept for print. */
function hideWords(parts, hidden) {
  for (const one of parts) {
    if (one.querySelector("img") === null && one.tagName !== "IMG") one.hidden = hidden;
  }
}
