/**
 * Attention without a model: a table that answers a question between its entries.
 *
 * Twelve illustrative notes, each an hour (key) and a count (value). The reader moves
 * the query and sets the width: how far is near. The bars under the curve are the
 * weights, the point on it the average of the values.
 */

import { slider } from "../ui/controls.js";
import { element, fill, inRole } from "../ui/dom.js";
import { showNumber, showShare } from "../ui/format.js";
import { Frame } from "../ui/frame.js";
import { NOTES, heaviest, softLookup } from "./lookup_math.js";

const HOURS = [4, 22];
const BOATS = 20; // the top of the upper axis
const CHART = {
  height: 360, left: 44, right: 12, least: 280, // as narrow as this
  top: 20, middle: 216, floor: 332, most: 76, // a weight of 1
};

/** @param {{model: any, el: HTMLElement}} host @returns {() => void} */
export function renderSoftLookup({ model, el }) {
  const frame = new Frame({
    model, el, offline: true, illustrative: true, reload: [],
    question: "How can a table answer a question that is not in it?",
    state: { query: 10.5, width: 1 },
    load: () => NOTES,
    draw, sentence: lookupSentence, table: lookupTable,
  });
  const query = slider({
    label: "Query: at which hour?", min: HOURS[0], max: HOURS[1], step: 0.25,
    show: showClock, onInput: (value) => frame.set({ query: value }),
  });
  const width = slider({
    label: "Width: near means within", min: 0.2, max: 8, step: 0.1,
    show: (value) => `${showNumber(value, 1)} h`,
    onInput: (value) => frame.set({ width: value }),
  });
  frame.controls.append(query.element, width.element);
  const ask = (event) => frame.set({ query: hourAt(chart, event) });
  const look = "display: block; width: 100%; cursor: pointer";
  const chart = element("svg:svg", { role: "img", style: look, onclick: ask });
  const place = element("div", {}, chart);
  const formula = element("p", { class: "mg-formula" });
  frame.body.append(place, formula);

  function draw(notes, state) {
    query.update(state.query);
    width.update(state.width);
    drawLookup(chart, place.clientWidth, notes, state);
    const { weights, answer } = softLookup(notes, state.query, state.width);
    const parts = heaviest(weights, 3).map((i) => [
      showShare(weights[i]), " \u00d7 ", inRole("value", String(notes[i][1])), " + ",
    ]);
    fill(formula, parts, "\u2026 = ", showNumber(answer, 2), " boats");
  }

  const redraw = () => frame.result && draw(frame.result, frame.state);
  const resized = new ResizeObserver(redraw);
  resized.observe(place);
  const stop = frame.start();
  return () => {
    resized.disconnect();
    stop();
  };
}

/** The hour under the pointer, to the quarter. */
function hourAt(chart, event) {
  const { left, width } = chart.getBoundingClientRect();
  const room = width - CHART.left - CHART.right;
  const share = (event.clientX - left - CHART.left) / room;
  const hour = HOURS[0] + Math.min(1, Math.max(0, share)) * (HOURS[1] - HOURS[0]);
  return Math.round(4 * hour) / 4;
}

/** 10.25 -> "10:15". */
function showClock(hour) {
  const minutes = Math.round(60 * (hour % 1));
  return `${Math.floor(hour)}:${String(minutes).padStart(2, "0")}`;
}

function drawLookup(chart, room, notes, { query, width }) {
  const size = Math.max(CHART.least, room);
  const { left, right, top, middle, floor, most } = CHART;
  const unit = (size - left - right) / (HOURS[1] - HOURS[0]);
  const across = (hour) => left + unit * (hour - HOURS[0]);
  const up = (boats) => middle - (boats / BOATS) * (middle - top);
  const { weights, answer } = softLookup(notes, query, width);
  const dots = notes.map(([hour, boats], i) => {
    const high = most * weights[i], x = across(hour);
    const dot = { cx: x, cy: up(boats), r: 4, style: "fill: var(--mg-value)" };
    const bar = { x: x - 5, y: floor - high, width: 10, height: high };
    return [
      element("svg:circle", dot),
      element("svg:rect", { ...bar, style: "fill: var(--mg-key)" }),
    ];
  });
  const curve = [];
  for (let hour = HOURS[0]; hour <= HOURS[1]; hour += 0.1) {
    curve.push(`${across(hour)},${up(softLookup(notes, hour, width).answer)}`);
  }
  const line = "fill: none; stroke: var(--mg-line); stroke-width: 1.5";
  const asked = "stroke: var(--mg-query); stroke-dasharray: 4 3";
  const point = "fill: var(--mg-paper); stroke: var(--mg-query); stroke-width: 2.5";
  const x = across(query);
  fill(
    chart,
    boatAxis(size, up),
    hourAxis(size, across),
    element("svg:polyline", { points: curve.join(" "), style: line }),
    element("svg:line", { x1: x, x2: x, y1: top, y2: floor, style: asked }),
    dots,
    element("svg:circle", { cx: x, cy: up(answer), r: 6.5, style: point }),
  );
  chart.setAttribute("viewBox", `0 0 ${size} ${CHART.height}`);
  const said = `at ${showClock(query)} the answer is ${showNumber(answer, 1)}`;
  chart.setAttribute("aria-label", `Boats by the hour: ${said}`);
}

function boatAxis(size, up) {
  const { left, right, floor, most } = CHART;
  const tick = (y, words) => [
    element("svg:line", {
      x1: left, x2: size - right, y1: y, y2: y, style: "stroke: var(--mg-rule)",
    }),
    lookupText(left - 8, y + 4, "end", words),
  ];
  return [
    [0, 10, 20].map((boats) => tick(up(boats), String(boats))),
    [0, 1].map((share) => tick(floor - most * share, String(share))),
    lookupText(left, up(20) - 6, "start", "boats", "var(--mg-value)"),
    lookupText(left, floor - most - 6, "start", "weights", "var(--mg-key)"),
  ];
}

function hourAxis(size, across) {
  const hours = [];
  for (let hour = 6; hour < HOURS[1]; hour += size < 480 ? 4 : 2) {
    hours.push(lookupText(across(hour), CHART.floor + 20, "middle", showClock(hour)));
  }
  return hours;
}

function lookupText(x, y, anchor, words, colour = "var(--mg-quiet)") {
  const style = `fill: ${colour}; font-size: 0.8125rem`;
  return element("svg:text", { x, y, "text-anchor": anchor, style }, words);
}

function lookupSentence(notes, { query, width }) {
  const { weights, answer } = softLookup(notes, query, width);
  const [first, second] = heaviest(weights, 2);
  const name = (i) => `${showClock(notes[i][0])} (${showShare(weights[i])})`;
  const mean = notes.reduce((sum, [, boats]) => sum + boats, 0) / notes.length;
  let why = `The keys ${name(first)} and ${name(second)} have the largest weights.`;
  if (weights[first] >= 0.95) {
    why = `The key ${name(first)} answers nearly alone, as in an ordinary lookup.`;
  } else if (weights[first] <= 0.12) {
    why = `All keys weigh almost alike; the plain mean is ${showNumber(mean, 1)}.`;
  }
  return `At ${showClock(query)} the answer is ${showNumber(answer, 1)} boats. ${why}`;
}

function lookupTable(notes, { query, width }) {
  const { scores, weights } = softLookup(notes, query, width);
  return {
    caption: `Keys and values (illustrative), and their weights at ${showClock(query)}`,
    columns: ["key: hour", "value: boats", "score", "weight", "weight \u00d7 value"],
    rows: notes.map(([hour, boats], i) => [
      showClock(hour), String(boats), showNumber(scores[i], 2),
      showShare(weights[i], 3), showNumber(weights[i] * boats, 2),
    ]),
  };
}
