/** When the page turns dark or light, pictures are drawn again. */

/** Calls `action` at each change of theme, until stopped. @param {() => void} action */
export function watchTheme(action) {
  const attributes = ["data-theme", "data-jp-theme-light", "data-jp-theme-name"];
  const watcher = new MutationObserver(() => action());
  for (const node of [document.documentElement, document.body]) {
    watcher.observe(node, { attributes: true, attributeFilter: attributes });
  }
  return () => watcher.disconnect();
}
