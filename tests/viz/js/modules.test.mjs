/** Rules of the house for the figures' modules: the engine, the parts, views and hosts. */

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const ROOT = new URL("../../../minigpt_edu/viz/js/", import.meta.url);
const FOLDERS = { core: [], ui: ["core"], views: ["core", "ui"], host: ["core", "ui", "views"] };
const MADE = ["core/config_table.js", "core/hooks.js"]; // written by js_schema.py
const MODULES = Object.keys(FOLDERS).flatMap((folder) =>
  readdirSync(new URL(folder, ROOT)).map((file) => {
    const text = readFileSync(new URL(`${folder}/${file}`, ROOT), "utf8");
    return { folder, name: `${folder}/${file}`, text, lines: text.trimEnd().split("\n") };
  }),
);
const IMPORT = /^import \{ ([\w, ]+) \} from "(?:\.|\.\.\/(\w+))\/(\w+\.js)";$/;

function code(text) {
  return text.replace(/\/\*[^]*?\*\//g, "").replace(/\/\/.*/g, "");
}

/** What a module imports: [names, module] for each line. */
function importsOf({ folder, lines }) {
  const found = lines.map((line) => IMPORT.exec(line)).filter((one) => one !== null);
  return found.map(([, list, other, file]) => [list.split(", "), `${other ?? folder}/${file}`]);
}

test("modules are short", () => {
  assert.ok(MODULES.length > 50);
  for (const { name, lines } of MODULES) {
    assert.ok(lines.length < 250, `${name} has ${lines.length} lines`);
  }
});

test("lines of the engine and of the hosts are short", () => {
  for (const { folder, name, lines } of MODULES) {
    if (MADE.includes(name) || !["core", "host"].includes(folder)) continue;
    const long = lines.filter((line) => line.length > 88 && !/^import /.test(line));
    assert.deepEqual(long, [], name);
  }
});

test("imports and exports are one-line and named, from this folder or a lower one", () => {
  const names = MODULES.map(({ name }) => name);
  for (const module of MODULES) {
    const { folder, name, lines } = module;
    for (const line of lines.filter((l) => /^(import|export)\b/.test(l))) {
      const exported = /^export (async )?(function\*?|class|const) \w+/.test(line);
      assert.ok(IMPORT.test(line) || exported, `${name}: ${line}`);
    }
    for (const [, from] of importsOf(module)) {
      const home = from.split("/")[0];
      assert.ok(names.includes(from), `${name} imports ${from}`);
      assert.ok(home === folder || FOLDERS[folder].includes(home), `${name} imports ${from}`);
    }
  }
});

test("every import is used and exported there", () => {
  for (const module of MODULES) {
    for (const [list, from] of importsOf(module)) {
      const source = MODULES.find(({ name }) => name === from).text;
      for (const one of list) {
        const uses = code(module.text).match(new RegExp(`\\b${one}\\b`, "g")).length;
        assert.ok(uses > 1, `${module.name} does not use ${one}`);
        const made = `^export (?:async )?(?:function\\*?|class|const) ${one}\\b`;
        assert.match(source, new RegExp(made, "m"));
      }
    }
  }
});

test("top-level names are unique, so that modules can share one scope", () => {
  const homes = new Map();
  for (const { name, lines } of MODULES) {
    for (const line of lines) {
      const made = /^(?:export )?(?:async )?(?:function\*?|class|const|let) (\w+)/.exec(line);
      if (made === null) continue;
      assert.ok(!homes.has(made[1]), `${made[1]}: ${homes.get(made[1])} and ${name}`);
      homes.set(made[1], name);
    }
  }
});

test("no module has a state of its own", () => {
  for (const { name, lines } of MODULES) {
    assert.deepEqual(lines.filter((line) => /^(export )?(let|var)\b/.test(line)), [], name);
  }
});

test("modules import without a cycle", () => {
  const done = new Set();
  const visit = (name, trail) => {
    assert.ok(!trail.includes(name), [...trail, name].join(" -> "));
    if (done.has(name)) return;
    const module = MODULES.find((one) => one.name === name);
    for (const [, from] of importsOf(module)) visit(from, [...trail, name]);
    done.add(name);
  };
  for (const { name } of MODULES) visit(name, []);
});

const NOT_IN_CORE = "document|window|globalThis|XMLHttpRequest|process|Date|performance";
const NOWHERE = "fetch|https?:|eval|require|innerHTML|outerHTML|insertAdjacentHTML";

test("the engine touches no page, no network, no clock and no chance without a seed", () => {
  const forbidden = new RegExp(`\\b(${NOT_IN_CORE}|Math\\.random)\\b`);
  for (const { folder, name, text } of MODULES) {
    if (folder === "core") assert.doesNotMatch(code(text), forbidden, name);
  }
});

test("nothing asks another host, and a text is only ever a text", () => {
  const forbidden = new RegExp(`\\b(${NOWHERE}|document\\.write|Math\\.random)\\b`);
  for (const { name, text } of MODULES) {
    const plain = text.replace("http://www.w3.org/2000/svg", ""); // a name, not an address
    assert.doesNotMatch(plain.replace(/\/\*[^]*?\*\//g, ""), forbidden, name);
  }
});

test("every export is described", () => {
  for (const { name, text } of MODULES) {
    assert.match(text, /^\/\*\*(\n \*)? /, `${name} says what it is`);
    if (MADE.includes(name)) continue;
    for (const [, before, what] of text.matchAll(/(.*)\nexport ((?:async )?\w+\*? \w+)/g)) {
      assert.match(before, /\*\/$/, `${name}: ${what}`);
    }
  }
});
