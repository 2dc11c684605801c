/**
 * A figure in JupyterLab: the view that Python names, and an eye on the kernel.
 *
 * anywidget calls `renderInLab`. The view gets the widget's model with its questions
 * watched: a kernel that is gone never answers. Then the status is "gone", the drawing
 * stays, and the figure says that the cell must be run again.
 *
 * anywidget: https://anywidget.dev/en/afm/
 */

import { didYouMean } from "../core/spelling.js";
import { VIEWS } from "../views/index.js";
import { WatchedModel } from "./watched_model.js";

/**
 * Draws the figure of a widget; returns what takes it away.
 * @param {{model: any, el: HTMLElement}} widget
 */
export function renderInLab({ model, el }) {
  const kind = model.get("kind");
  if (!Object.hasOwn(VIEWS, kind)) {
    const near = didYouMean(String(kind), Object.keys(VIEWS));
    el.textContent = `there is no figure "${kind}": ${near}`;
    el.dataset.state = "error";
    return () => {};
  }
  const alone = !("checkpoint" in (model.get("config") ?? {})); // it asks nobody
  const watched = new WatchedModel(model, { alone });
  const showState = () => {
    el.dataset.view = kind;
    el.dataset.state = watched.get("status") || "loading";
  };
  watched.on("change:status", showState);
  showState();
  const cleanup = VIEWS[kind]({ model: watched, el });
  return () => {
    watched.close();
    cleanup?.();
  };
}
