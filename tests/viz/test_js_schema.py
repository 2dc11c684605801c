"""The modules made from Python's tables are those in the repository."""

from __future__ import annotations

import json
import re

import pytest

from minigpt_edu.model.hook_table import HOOKS
from minigpt_edu.viz import js_schema


@pytest.mark.parametrize(
    "path", js_schema.generated_modules(), ids=lambda path: path.name
)
def test_the_module_in_the_repository_is_up_to_date(path):
    made = js_schema.generated_modules()[path]
    told = "run python -m minigpt_edu.viz.js_schema"
    assert path.read_text(encoding="utf-8") == made, told


def test_the_table_is_whole():
    (table,) = re.findall(r"HOOKS = (\[.*\]);", js_schema.hooks_module(), re.S)
    rows = json.loads(re.sub(r",\s*\]", "]", table))
    assert [(r["name"], r["axes"], r["when"], r["meaning"]) for r in rows] == [
        (h.name, h.axes, h.when, h.meaning) for h in HOOKS
    ]


def test_a_new_hook_would_be_noticed(monkeypatch):
    before = js_schema.hooks_module()
    monkeypatch.setattr(js_schema, "hooks_json", lambda: '[{"name": "blocks.{i}.new"}]')
    assert js_schema.hooks_module() != before
    assert '{"name": "blocks.{i}.new"}' in js_schema.hooks_module()


def test_modules_are_written_where_the_page_finds_them(monkeypatch, tmp_path):
    monkeypatch.setattr(js_schema, "CORE", tmp_path)
    written = js_schema.write_modules()
    assert [path.name for path in written] == ["hooks.js", "config_table.js"]
    assert written[0].read_bytes().decode() == js_schema.hooks_module()
