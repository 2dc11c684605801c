/** The hosts: the engine behind the widget's protocol, a page's figures, a lost kernel. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { ByteBPE } from "../../../minigpt_edu/viz/js/core/bpe.js";
import { EngineSource, textOfBytes } from "../../../minigpt_edu/viz/js/host/engine_source.js";
import { PageHost } from "../../../minigpt_edu/viz/js/host/page_host.js";
import { PageModel } from "../../../minigpt_edu/viz/js/host/page_model.js";
import { WatchedModel } from "../../../minigpt_edu/viz/js/host/watched_model.js";
import { Shelf, bytesOfBase64 } from "../../../minigpt_edu/viz/js/host/weights.js";
import { randomModel } from "./models.mjs";

const MODERN = { position: "rope", norm: "rms", mlp: "swiglu", head_dim: 6 };

function smallSource() {
  const model = randomModel({ ...MODERN, vocab_size: 261 });
  const info = { meta: { step: 5 } };
  const loaded = { model, tokenizer: new ByteBPE([[108, 101]]), info, weights: new Map() };
  return new EngineSource("small", loaded);
}

const later = (milliseconds = 0) => new Promise((go) => setTimeout(go, milliseconds));

/** Answers of a model's messages, by the id of the question. */
function heard(model) {
  const found = new Map();
  model.on("msg:custom", (content, buffers) => found.set(content.id, { content, buffers }));
  return async (id) => {
    for (let i = 0; i < 500 && !found.has(id); i++) await later(2);
    return found.get(id);
  };
}

test("the source says what a piece is, also when it is half a character", async () => {
  const { values } = await smallSource().answer("encode", { text: "haé" });
  assert.deepEqual(values.pieces.map((piece) => piece.text), ["ha", "<c3>", "<a9>"]);
  assert.deepEqual(values.pieces[1], { id: 199, text: "<c3>", bytes: [195], special: false });
  assert.equal(textOfBytes(Uint8Array.of(0xef, 0xbb, 0xbf)), "\ufeff");
});

test("the source reads on where it was, and lets the page breathe while it writes", async () => {
  const source = smallSource(), ids = [80, 81, 82];
  await source.answer("run", { ids });
  const readOn = source.model.readOn.bind(source.model), read = [];
  source.model.readOn = (more, ...rest) => (read.push(more.length), readOn(more, ...rest));
  await source.answer("run", { ids: [...ids, 90] });
  await source.answer("lens", { ids: [...ids, 90] });
  await source.answer("lens", { ids: [...ids, 90, 91] });
  assert.deepEqual(read, [1, 4, 1]);
  let breaths = 0;
  const tick = setInterval(() => (breaths += 1), 0);
  const { values } = await source.answer("generate", { ids, n: 40 });
  clearInterval(tick);
  assert.equal(values.ids.length, 40);
  assert.ok(breaths > 3);
});

test("two continuations at once do not disturb each other", async () => {
  const source = smallSource();
  const alone = [];
  for (const ids of [[80, 81], [70]]) alone.push(await source.answer("generate", { ids, n: 12 }));
  const both = await Promise.all(
    [[80, 81], [70]].map((ids) => source.answer("generate", { ids, n: 12 })),
  );
  assert.deepEqual(both, alone);
});

test("a source needs a tokenizer", () => {
  const loaded = { model: randomModel(MODERN), tokenizer: null };
  assert.throws(() => new EngineSource("bare", loaded), /bare has no tokenizer/);
});

test("a page's model answers in the order of the questions, with its arrays", async () => {
  const source = smallSource(), model = new PageModel({ config: {} }, async () => source);
  const answer = heard(model), order = [];
  model.on("msg:custom", ({ id }) => order.push(id));
  model.send({ id: "a", method: "run", args: { ids: [7, 8, 9], keep: ["*.z"] } });
  model.send({ id: "b", method: "nothing" });
  model.send({ id: "c", method: "about" });
  const { content, buffers } = await answer("a");
  assert.deepEqual(content.result.arrays.map(({ name }) => name), [
    "blocks.0.attn.z", "blocks.1.attn.z", "logits",
  ]);
  assert.deepEqual(content.result.arrays.at(-1).shape, [1, 3, 261]);
  const { logits } = source.model.run([7, 8, 9]);
  const last = buffers.at(-1);
  assert.ok(last instanceof DataView);
  logits.data.forEach((x, i) => assert.equal(last.getFloat32(4 * i, true), x));
  assert.match((await answer("b")).content.error, /nobody answers "nothing"/);
  assert.deepEqual((await answer("b")).buffers, []);
  assert.equal((await answer("c")).content.result.params, source.model.numParams);
  assert.deepEqual(order, ["a", "b", "c"]);
});

test("a page's model tells of changes, and of nothing once it is closed", async () => {
  let asked = 0;
  const model = new PageModel({ config: { prompt: "x" } }, async () => {
    asked += 1;
    return smallSource();
  });
  const told = [];
  const listen = () => told.push(model.get("selection"));
  model.on("change:selection", listen);
  model.set("selection", { layer: 1 });
  model.set("selection", { layer: 1 });
  model.off("change:selection", listen);
  model.set("selection", { layer: 2 });
  assert.deepEqual(told, [{ layer: 1 }]);
  const answer = heard(model);
  model.send({ id: 1, method: "about" });
  model.close();
  await model.last;
  assert.equal(await Promise.race([answer(1), later(10)]), undefined);
  assert.equal(asked, 0);
});

test("a figure without a model says so, and a listener that fails stops nobody", async () => {
  const model = new PageModel({ config: {} }, async () => null);
  const said = [], error = console.error;
  console.error = (problem) => said.push(problem.message);
  model.on("msg:custom", ({ id }) => {
    if (id === 1) throw new Error("a view is wrong");
  });
  const answer = heard(model);
  model.send({ id: 1, method: "about" });
  model.send({ id: 2, method: "about" });
  assert.match((await answer(2)).content.error, /no model to ask/);
  console.error = error;
  assert.deepEqual(said, ["a view is wrong"]);
});

/** A page that is asked for scripts: `bring(src)` says what each leaves behind. */
function scriptPage(bring) {
  const asked = [];
  const page = {
    asked,
    createElement: () => ({ remove() {} }),
    head: {
      append(script) {
        asked.push(script.src);
        setTimeout(() => (bring(script.src) ? script.onload() : script.onerror()), 1);
      },
    },
  };
  return page;
}

test("weights are asked for once, beside the page's script, and again after a failure", async () => {
  let there = false;
  const page = scriptPage(() => there);
  const shelf = new Shelf(page, "file:///book/_static/minigpt-figures.js?v=1");
  const first = shelf.take("reader"), second = shelf.take("reader");
  await assert.rejects(first, /"reader" could not be loaded: there is no minigpt-model-reader.js/);
  await assert.rejects(second);
  assert.deepEqual(page.asked, ["file:///book/_static/minigpt-model-reader.js"]);
  there = true;
  await assert.rejects(shelf.take("reader"), /holds no model "reader"/);
  globalThis.MiniGPTModels = { reader: btoa("not a checkpoint") };
  await assert.rejects(shelf.take("reader"), /not a usable checkpoint/);
  globalThis.MiniGPTDigests = { reader: "00" };
  await assert.rejects(shelf.take("reader"), /minigpt-model-reader.js is damaged/);
  delete globalThis.MiniGPTDigests;
  globalThis.MiniGPTModels = { reader: "no base64!" };
  await assert.rejects(shelf.take("reader"), /file is damaged/);
  globalThis.MiniGPTModels = { reader: btoa("not a checkpoint") };
  assert.equal(page.asked.length, 2);
  for (const name of ["../x", "//host/x", "", "a b"]) {
    await assert.rejects(shelf.take(name), /no name of a model/);
  }
  delete globalThis.MiniGPTModels;
});

test("base64 gives back every byte", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  assert.deepEqual(bytesOfBase64(btoa(String.fromCharCode(...bytes))), bytes);
});

/** A figure as far as a host needs one. */
function fakeFigure(view, config = {}) {
  const image = { tagName: "IMG", querySelector: () => null };
  const words = { tagName: "P", hidden: false, querySelector: () => null };
  return {
    dataset: { view, config: JSON.stringify(config), state: "static" },
    children: [image, words],
    said: [],
    querySelector() {
      return this.said.find((line) => line.className.includes("mg-still")) ?? null;
    },
    append(line) {
      this.said.push(line);
    },
  };
}

function fakeHost(limit) {
  const log = [];
  const draw = ({ model }) => {
    log.push(["draw", model.get("config").n, model.get("selection")]);
    model.set("selection", { seen: model.get("config").n });
    model.set("status", "ready");
    return () => log.push(["away", model.get("config").n]);
  };
  const broken = () => {
    throw new Error("cannot be drawn");
  };
  const page = { createElement: () => ({}), querySelectorAll: () => [] };
  const views = { dots: draw, broken };
  return { host: new PageHost({ page, views, address: "file:///x.js", limit }), log };
}

test("a figure is drawn once, and its words go when it is ready", () => {
  const { host, log } = fakeHost(3), figure = fakeFigure("dots", { n: 1 });
  host.mount(figure);
  host.mount(figure);
  assert.deepEqual(log, [["draw", 1, {}]]);
  assert.equal(figure.dataset.state, "ready");
  assert.equal(figure.children[0].hidden, undefined, "the picture is left to the style");
  assert.equal(figure.children[1].hidden, true);
});

test("what cannot be drawn says why and leaves the others alone", () => {
  const { host, log } = fakeHost(3);
  const cases = [
    [fakeFigure("broken"), "cannot be drawn"],
    [fakeFigure("dotz"), 'this page can draw no figure "dotz": did you mean "dots"?'],
    [fakeFigure("constructor"), 'this page can draw no figure "constructor": known: dots, broken'],
  ];
  for (const [figure, message] of cases) {
    host.mount(figure);
    host.mount(figure);
    assert.equal(figure.dataset.state, "error");
    assert.deepEqual(figure.said.map((line) => line.textContent), [message]);
  }
  const torn = fakeFigure("dots");
  torn.dataset.config = "{";
  host.mount(torn);
  assert.equal(torn.dataset.state, "error");
  host.mount(fakeFigure("dots", { n: 4 }));
  assert.deepEqual(log, [["draw", 4, {}]]);
});

test("a figure of the notebook's own model stays a picture and says so", () => {
  const { host, log } = fakeHost(3), figure = fakeFigure("dots", { checkpoint: null });
  host.mount(figure);
  host.mount(figure);
  assert.equal(figure.dataset.state, "static");
  assert.equal(figure.said.length, 1);
  assert.deepEqual(log, []);
});

test("the oldest figure out of sight gives way and comes back as it was", () => {
  const { host, log } = fakeHost(2);
  const [one, two, three] = [1, 2, 3].map((n) => fakeFigure("dots", { n }));
  host.near.add(one);
  [one, two, three].forEach((figure) => host.mount(figure));
  assert.deepEqual(log.slice(2), [["away", 2], ["draw", 3, {}]]);
  assert.equal(two.dataset.state, "static");
  assert.equal(two.children[1].hidden, false);
  host.near.delete(one);
  host.mount(two);
  assert.deepEqual(log.slice(4), [["away", 1], ["draw", 2, { seen: 2 }]]);
  host.near.add(two);
  host.near.add(three);
  host.mount(one);
  assert.equal(host.live.size, 3, "what is in sight stays");
});

/** A widget's model whose kernel can be switched off. */
function fakeWidget() {
  const traits = { status: "loading", config: {} };
  let listeners = [];
  return {
    asked: [],
    saved: 0,
    deaf: false,
    widget_manager: { kernel: { status: "idle" } },
    get: (name) => traits[name],
    set: (name, value) => void (traits[name] = value),
    save_changes() {
      this.saved += 1;
    },
    send(call) {
      if (this.deaf) throw new Error("the connection is closed");
      this.asked.push(call);
    },
    on: (event, listener) => void listeners.push({ event, listener }),
    off(event, listener) {
      listeners = listeners.filter((one) => one.event !== event || one.listener !== listener);
    },
    tell(event, ...news) {
      for (const one of listeners) if (one.event === event) one.listener(...news);
    },
    get heardBy() {
      return listeners.length;
    },
  };
}

function watched(options = {}) {
  const widget = fakeWidget();
  const model = new WatchedModel(widget, { silence: 8, ...options });
  const states = [];
  model.on("change:status", () => states.push(model.get("status")));
  return { widget, model, states };
}

/** A test in which the clock moves when it is told to. */
function testWithClock(name, check) {
  test(name, () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      check((milliseconds) => mock.timers.tick(milliseconds));
    } finally {
      mock.timers.reset();
    }
  });
}

testWithClock("a silent idle kernel is gone, and a late answer brings it back", (pass) => {
  const { widget, model, states } = watched();
  model.set("status", "ready");
  model.send({ id: 1, method: "about" });
  pass(7);
  assert.deepEqual(states, ["ready"]);
  pass(1);
  assert.deepEqual(states, ["ready", "gone"]);
  const { saved } = widget;
  model.save_changes();
  assert.equal(widget.saved, saved);
  model.set("status", "error");
  assert.equal(model.get("status"), "gone");
  widget.tell("msg:custom", { id: 1, result: {} });
  assert.deepEqual(states, ["ready", "gone", "error"]);
});

testWithClock("an answered question is forgotten, a busy kernel waited for", (pass) => {
  const { widget, model, states } = watched();
  model.set("status", "ready");
  model.send({ id: 1 });
  widget.tell("msg:custom", { id: 1, result: {} });
  pass(100);
  assert.equal(model.open.size, 0);
  widget.widget_manager.kernel.status = "busy";
  model.send({ id: 2 });
  for (let turn = 0; turn < 50; turn++) pass(8);
  assert.deepEqual(states, ["ready"]);
  widget.widget_manager.kernel.status = "dead";
  pass(8);
  assert.deepEqual(states, ["ready", "gone"]);
});

testWithClock("where nobody knows the kernel, patience decides", (pass) => {
  const { widget, model, states } = watched({ patience: 40 });
  delete widget.widget_manager;
  model.send({ id: 1 });
  for (let turn = 0; turn < 4; turn++) pass(8);
  assert.deepEqual(states, []);
  pass(8);
  assert.deepEqual(states, ["gone"]);
});

testWithClock("a figure that was taken away watches nobody", (pass) => {
  const { widget, model, states } = watched();
  model.send({ id: 1 });
  model.close();
  pass(100);
  assert.deepEqual(states, []);
  assert.equal(widget.heardBy, 0);
});

test("a restart, a closed widget and a closed connection are known at once", () => {
  for (const event of ["comm_live_update", "comm:close", "a question"]) {
    const { widget, model, states } = watched();
    widget.deaf = true;
    if (event === "a question") model.send({ id: 1 });
    else widget.tell(event);
    assert.deepEqual(states, ["gone"], event);
    model.close();
    assert.equal(widget.heardBy, 0);
  }
});

test("a figure that asks nobody does not mind", () => {
  const { widget, model, states } = watched({ alone: true });
  widget.tell("comm_live_update");
  assert.deepEqual(states, []);
  model.close();
});
