/** Rules of the house for the modules of the page's engine. */

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const CORE = new URL("../../../minigpt_edu/viz/js/core/", import.meta.url);
const MADE = ["config_table.js", "hooks.js"]; // written by js_schema.py
const MODULES = readdirSync(CORE).map((name) => {
  const text = readFileSync(new URL(name, CORE), "utf8");
  return { name, text, lines: text.trimEnd().split("\n") };
});

function code(text) {
  return text.replace(/\/\*[^]*?\*\//g, "").replace(/\/\/.*/g, "");
}

test("modules are short, and so are their lines", () => {
  assert.ok(MODULES.length > 20);
  for (const { name, lines } of MODULES) {
    assert.ok(lines.length < 250, `${name} has ${lines.length} lines`);
    if (MADE.includes(name)) continue;
    const long = lines.filter((line) => line.length > 88 && !/^import /.test(line));
    assert.deepEqual(long, [], name);
  }
});

test("imports and exports are one-line and named, from modules of this folder", () => {
  const names = MODULES.map(({ name }) => name);
  for (const { name, lines } of MODULES) {
    for (const line of lines.filter((l) => /^(import|export)\b/.test(l))) {
      const imported = /^import \{ [\w, ]+ \} from "\.\/(\w+\.js)";$/.exec(line);
      const exported = /^export (function\*?|class|const) \w+/.test(line);
      assert.ok(imported || exported, `${name}: ${line}`);
      if (imported) assert.ok(names.includes(imported[1]), line);
    }
  }
});

test("every import is used and exported there", () => {
  for (const { name, text } of MODULES) {
    for (const [, list, from] of text.matchAll(/^import \{ (.+) \} from "\.\/(.+)";/gm)) {
      const source = MODULES.find((module) => module.name === from).text;
      for (const one of list.split(", ")) {
        const uses = code(text).match(new RegExp(`\\b${one}\\b`, "g")).length;
        assert.ok(uses > 1, `${name} does not use ${one}`);
        const made = new RegExp(`^export (function\\*?|class|const) ${one}\\b`, "m");
        assert.match(source, made);
      }
    }
  }
});

test("top-level names are unique, so that modules can share one scope", () => {
  const homes = new Map();
  for (const { name, lines } of MODULES) {
    for (const line of lines) {
      const made = /^(?:export )?(?:function\*?|class|const|let) (\w+)/.exec(line);
      if (made === null) continue;
      assert.ok(!homes.has(made[1]), `${made[1]}: ${homes.get(made[1])} and ${name}`);
      homes.set(made[1], name);
    }
  }
});

test("modules import without a cycle", () => {
  const visit = (name, trail) => {
    assert.ok(!trail.includes(name), [...trail, name].join(" -> "));
    const { text } = MODULES.find((module) => module.name === name);
    for (const [, from] of text.matchAll(/^import .* from "\.\/(.+)";/gm)) {
      visit(from, [...trail, name]);
    }
  };
  for (const { name } of MODULES) visit(name, []);
});

test("nothing touches the page, the network, the clock or chance without a seed", () => {
  const page = "document|window|globalThis|fetch|XMLHttpRequest|https?:|eval|require";
  const forbidden = new RegExp(`\\b(${page}|process|Date|performance|Math\\.random)\\b`);
  for (const { name, text } of MODULES) assert.doesNotMatch(code(text), forbidden, name);
});

test("every export is described", () => {
  for (const { name, text } of MODULES) {
    assert.match(text, /^\/\*\*\n \* /, `${name} says what it is`);
    if (MADE.includes(name)) continue;
    for (const [, before, what] of text.matchAll(/(.*)\nexport (\w+\*? \w+)/g)) {
      assert.match(before, /\*\/$/, `${name}: ${what}`);
    }
  }
});
