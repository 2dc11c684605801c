/**
 * The controls of a figure, each with its name beside it.
 *
 *     const layer = selectBox({ label: "Layer", onInput: (value) => ... });
 *     layer.update({ options: [["0", "layer 0"]], value: "0" });
 *     controls.append(layer.element);
 */

import { debounced, div, element, fill, freshId, span } from "./dom.js";

const TYPING = 160; // milliseconds without a key before the text is read

/** A choice among few. `options` are [value, text] pairs; values are strings. */
export function selectBox({ label, onInput }) {
  const select = element("select", { onchange: () => onInput(select.value) });
  const update = ({ options, value }) => {
    fill(
      select,
      options.map(([key, text]) => element("option", { value: key }, text)),
    );
    select.value = String(value);
  };
  return { element: labelled(label, select), input: select, update };
}

/** A number on a line; `show` writes it. */
export function slider({ label, min, max, step, show = String, onInput }) {
  const output = element("output", { class: "mg-output" });
  const write = (value) => {
    output.textContent = show(Number(value));
    input.setAttribute("aria-valuetext", output.textContent);
  };
  const input = element("input", {
    type: "range",
    min,
    max,
    step,
    oninput: () => {
      write(input.value);
      onInput(Number(input.value));
    },
  });
  const update = (value) => {
    input.value = String(value);
    write(value);
  };
  return { element: labelled(label, input, output), input, update };
}

/** Something that is on or off. */
export function toggle({ label, onInput }) {
  const input = element("input", {
    type: "checkbox",
    onchange: () => onInput(input.checked),
  });
  const update = (on, enabled = true) => {
    input.checked = on;
    input.disabled = !enabled;
  };
  const text = span("", label);
  return {
    element: element("label", { class: "mg-toggle" }, input, text),
    input,
    text,
    update,
  };
}

/** A button. */
export function pushButton({ label, onPress }) {
  const button = element(
    "button",
    { type: "button", class: "mg-button", onclick: onPress },
    label,
  );
  return { element: button, input: button, update: (text) => fill(button, text) };
}

/** A line of text, read when the typing pauses or at once with Enter. */
export function textField({ label, onInput, wide = true }) {
  let typing = false; // there is text that nobody has been told of yet
  const tell = () => {
    typing = false;
    onInput(input.value);
  };
  const later = debounced(tell, TYPING);
  const now = () => {
    later.cancel();
    tell();
  };
  const input = element("input", {
    type: "text",
    dir: "auto",
    spellcheck: "false",
    autocomplete: "off",
    maxlength: "2000",
    oninput: () => {
      typing = true;
      later();
    },
    onkeydown: (event) => event.key === "Enter" && now(),
  });
  const update = (text) => {
    if (!typing && input.value !== text) input.value = text;
  };
  const whole = labelled(label, input);
  whole.classList.toggle("mg-wide", wide);
  return { element: whole, input, update };
}

function labelled(label, input, ...after) {
  input.id = freshId();
  return div("mg-control", element("label", { for: input.id }, label), input, after);
}
