/**
 * Elements of the page, made from plain descriptions; text goes in as text only.
 *
 *     element("button", { class: "mg-button", onclick: go }, "Next")
 *     element("svg:line", { x1: 0, y1: 0, x2: 9, y2: 9 })
 *
 * Whatever can have the focus tells JupyterLab to keep its shortcuts to itself.
 */

const SVG_SPACE = "http://www.w3.org/2000/svg";
const FOCUSABLE = new Set(["a", "button", "input", "select", "summary", "textarea"]);

/**
 * One element. Attributes that are functions listen; `true` is an empty attribute, and
 * `false`, `null` and `undefined` are left out. Children are nodes, texts, or lists.
 * @param {string} tag @param {Record<string, any>} [attributes]
 * @param {...any} children @returns {any}
 */
export function element(tag, attributes = {}, ...children) {
  const made = tag.startsWith("svg:")
    ? document.createElementNS(SVG_SPACE, tag.slice(4))
    : document.createElement(tag);
  if (FOCUSABLE.has(tag) || "tabindex" in attributes) {
    made.setAttribute("data-lm-suppress-shortcuts", "true");
  }
  setAttributes(made, attributes);
  appendAll(made, children);
  return made;
}

/** A block with a class. */
export function div(name, ...children) {
  return element("div", { class: name }, ...children);
}

/** A part of a line with a class. */
export function span(name, ...children) {
  return element("span", { class: name }, ...children);
}

/** Sets, or with `false` and `null` removes, attributes. */
export function setAttributes(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      node.addEventListener(name.replace(/^on/, ""), value);
    } else if (value === false || value === null || value === undefined) {
      node.removeAttribute(name);
    } else {
      node.setAttribute(name, value === true ? "" : String(value));
    }
  }
}

/** Puts these children in the place of all others. */
export function fill(node, ...children) {
  node.replaceChildren();
  appendAll(node, children);
}

function appendAll(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) node.append(child);
  }
}

/** A piece of a line in the colour of its role: query, key, value, residual, mlp. */
export function inRole(role, ...children) {
  return span(`mg-as-${role}`, ...children);
}

/** A new name for an `id`, unique in the page. */
export function freshId() {
  const count = (Number(document.documentElement.dataset.mgIds) || 0) + 1;
  document.documentElement.dataset.mgIds = String(count);
  return `mg-${count}`;
}

/** Calls `action` once, `wait` milliseconds after the last time it was asked to. */
export function debounced(action, wait) {
  let timer = 0;
  const asked = (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...given), wait);
  };
  asked.cancel = () => clearTimeout(timer);
  return asked;
}
