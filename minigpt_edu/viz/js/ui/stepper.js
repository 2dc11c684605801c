/**
 * The steps of an explanation in one line: choose one, or go on with the arrow keys.
 *
 *     const stepper = new Stepper({ label: "Steps",
 *       steps: ["Scores", "Mask"], onStep });
 *     stepper.update(1);
 */

import { element, setAttributes, span } from "./dom.js";

/** The line of steps; `element` is what goes into the page. */
export class Stepper {
  /**
   * @param {{label: string, steps: string[], onStep: (step: number) => void}} options
   */
  constructor({ label, steps, onStep }) {
    this.step = 0;
    this.onStep = onStep;
    this.buttons = steps.map((name, i) =>
      element(
        "button",
        { type: "button", onclick: () => onStep(i) },
        span("mg-step-number", String(i + 1)),
        name,
      ),
    );
    const items = this.buttons.map((button) => element("li", {}, button));
    this.element = element(
      "ol",
      {
        class: "mg-stepper",
        "aria-label": label,
        onkeydown: (event) => this.#key(event),
      },
      items,
    );
  }

  /** Shows which step it is. @param {number} step */
  update(step) {
    this.step = step;
    this.buttons.forEach((button, i) =>
      setAttributes(button, {
        "aria-current": i === step ? "step" : null,
        tabindex: i === step ? "0" : "-1",
        class: i < step ? "mg-done" : null,
      }),
    );
  }

  #key(event) {
    const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    const last = this.buttons.length - 1;
    const to =
      event.key === "Home" ? 0 : event.key === "End" ? last : this.step + (by ?? 0);
    if (to === this.step || to < 0 || to > last) return;
    event.preventDefault();
    this.onStep(to);
    this.buttons[to].focus();
  }
}
