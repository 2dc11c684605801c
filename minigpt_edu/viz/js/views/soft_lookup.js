/**
 * Attention without a model: a table that answers a question between its entries.
 *
 * Twelve illustrative notes; the reader moves the question and says how far is near.
 * The bars under the curve are the weights, the point on it their average.
 */

import { slider } from "../ui/controls.js";
import { element, fill, inRole } from "../ui/dom.js";
import { showNumber, showShare } from "../ui/format.js";
import { Frame } from "../ui/frame.js";
import { NOTES, heaviest, softLookup } from "./lookup_math.js";

const HOURS = [4, 22];
const BOATS = [0, 20];
const CHART = { height: 360, left: 44, right: 12, top: 20, middle: 216, floor: 332, most: 76 };
const LEAST_WIDTH = 280;

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
    label: "Question: at which hour?", min: HOURS[0], max: HOURS[1], step: 0.25,
    show: showClock, onInput: (value) => frame.set({ query: value }),
  });
  const width = slider({
    label: "Near means within", min: 0.2, max: 8, step: 0.1,
    show: (value) => `${showNumber(value, 1)} h`,
    onInput: (value) => frame.set({ width: value }),
  });
  frame.controls.append(query.element, width.element);
  const chart = element("svg:svg", { role: "img", style: "display: block; width: 100%; cursor: pointer",
    onclick: (event) => frame.set({ query: hourAt(chart, event) }) });
  const place = element("div", {}, chart);
  const formula = element("p", { class: "mg-formula" });
  frame.body.append(place, formula);

  function draw(notes, state) {
    query.update(state.query);
    width.update(state.width);
    drawLookup(chart, place.clientWidth, notes, state);
    const { weights, answer } = softLookup(notes, state.query, state.width);
    const parts = heaviest(weights, 3).map((i) => [
      i === heaviest(weights, 1)[0] ? "" : " + ",
      showShare(weights[i]), " \u00d7 ", inRole("value", String(notes[i][1])),
    ]);
    fill(formula, parts, " + \u2026 = ", showNumber(answer, 2), " boats");
  }

  const resized = new ResizeObserver(() => frame.result && draw(frame.result, frame.state));
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
  const inside = (event.clientX - left - CHART.left) / (width - CHART.left - CHART.right);
  const hour = HOURS[0] + Math.min(1, Math.max(0, inside)) * (HOURS[1] - HOURS[0]);
  return Math.round(4 * hour) / 4;
}

/** 10.25 -> "10:15". */
function showClock(hour) {
  const minutes = Math.round(60 * (hour % 1));
  return `${Math.floor(hour)}:${String(minutes).padStart(2, "0")}`;
}

function drawLookup(chart, room, notes, { query, width }) {
  const size = Math.max(LEAST_WIDTH, room);
  const { height, left, right, top, middle, floor, most } = CHART;
  const across = (hour) => left + ((hour - HOURS[0]) / (HOURS[1] - HOURS[0])) * (size - left - right);
  const up = (boats) => middle - (boats / BOATS[1]) * (middle - top);
  const { weights, answer } = softLookup(notes, query, width);
  const hours = Array.from({ length: 181 }, (_, i) => HOURS[0] + (i / 180) * (HOURS[1] - HOURS[0]));
  const curve = hours.map((hour) => `${across(hour)},${up(softLookup(notes, hour, width).answer)}`);
  const dots = notes.map(([hour, boats], i) => [
    element("svg:circle", { cx: across(hour), cy: up(boats), r: 4, style: "fill: var(--mg-value)" }),
    element("svg:rect", { x: across(hour) - 5, y: floor - most * weights[i], width: 10,
      height: most * weights[i], style: "fill: var(--mg-key)" }),
  ]);
  const x = across(query), y = up(answer);
  fill(
    chart,
    boatAxis(size, up),
    hourAxis(size, across),
    element("svg:polyline", { points: curve.join(" "), style: "fill: none; stroke: var(--mg-line); stroke-width: 1.5" }),
    element("svg:line", { x1: x, x2: x, y1: top, y2: floor, style: "stroke: var(--mg-query); stroke-dasharray: 4 3" }),
    dots,
    element("svg:circle", { cx: x, cy: y, r: 6.5, style: "fill: var(--mg-paper); stroke: var(--mg-query); stroke-width: 2.5" }),
  );
  chart.setAttribute("viewBox", `0 0 ${size} ${height}`);
  const said = `Boats by the hour. At ${showClock(query)} the answer is ${showNumber(answer, 1)}.`;
  chart.setAttribute("aria-label", said);
}

function boatAxis(size, up) {
  const { left, right, floor, most } = CHART;
  const lines = [0, 10, 20].map((boats) => [
    element("svg:line", { x1: left, x2: size - right, y1: up(boats), y2: up(boats), style: "stroke: var(--mg-rule)" }),
    lookupText(left - 8, up(boats) + 4, "end", String(boats)),
  ]);
  const shares = [0, 1].map((share) => [
    element("svg:line", { x1: left, x2: size - right, y1: floor - most * share, y2: floor - most * share, style: "stroke: var(--mg-rule)" }),
    lookupText(left - 8, floor - most * share + 4, "end", String(share)),
  ]);
  return [
    lines, shares,
    lookupText(left, up(20) - 6, "start", "boats", "var(--mg-value)"),
    lookupText(left, floor - most - 6, "start", "weights", "var(--mg-key)"),
  ];
}

function hourAxis(size, across) {
  const step = size < 480 ? 4 : 2;
  const hours = [];
  for (let hour = 6; hour < HOURS[1]; hour += step) {
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
  const most = Math.round(100 * weights[first]);
  const mean = notes.reduce((sum, [, boats]) => sum + boats, 0) / notes.length;
  let kind = `The heaviest notes are those of ${name(first)} and ${name(second)}.`;
  if (most >= 95) kind = `The note of ${name(first)} answers nearly alone, as in an ordinary lookup.`;
  if (most <= 12) kind = `All notes count almost alike; their plain mean is ${showNumber(mean, 1)}.`;
  return `At ${showClock(query)} the answer is ${showNumber(answer, 1)} boats. ${kind}`;
}

function lookupTable(notes, { query, width }) {
  const { scores, weights } = softLookup(notes, query, width);
  return {
    caption: `Notes (illustrative), and what each counts at ${showClock(query)}`,
    columns: ["key: hour", "value: boats", "score", "weight", "weight \u00d7 value"],
    rows: notes.map(([hour, boats], i) => [
      showClock(hour), String(boats), showNumber(scores[i], 2), showShare(weights[i], 3),
      showNumber(weights[i] * boats, 2),
    ]),
  };
}
