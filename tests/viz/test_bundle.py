"""One script of many modules: in order, in one scope, computing what they computed."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import torch

from minigpt_edu.shipped import shipped_model
from minigpt_edu.viz import bundle
from minigpt_edu.viz.bundle import (
    JS,
    LIMIT,
    bundle_css,
    drawn_kinds,
    lab_bundle,
    module_order,
    page_bundle,
    tied,
    top_level_names,
    view_bundle,
)
from minigpt_edu.viz.source import shipped_source
from minigpt_edu.viz.views import KINDS

SENTENCE = "The old boat came home at night."


def write(folder: Path, **files: str) -> Path:
    """Modules by name; the last one is the entry."""
    for name, text in files.items():
        (folder / f"{name}.js").write_text(text, encoding="utf-8")
    return folder / f"{[*files][-1]}.js"


def run(node: str, script: str, *, kind: str = "commonjs") -> str:
    done = subprocess.run(
        [node, f"--input-type={kind}"],
        input=script,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_module_stands_after_those_it_imports(tmp_path: Path) -> None:
    entry = write(
        tmp_path,
        a="export const one = 1;\n",
        b='import { one } from "./a.js";\nexport const two = one + one;\n',
        c='import { two } from "./b.js";\nimport { one } from "./a.js";\nf(one);\n',
    )
    assert [path.stem for path in module_order(entry)] == ["a", "b", "c"]
    assert tied(entry) == "const one=1;\nconst two=one+one;\nf(one);"


def test_everything_that_can_be_exported_is_untied(node: str, tmp_path: Path) -> None:
    entry = write(
        tmp_path,
        parts=(
            "export function f() { return 1; }\nexport async function g() {}\n"
            "export function* h() { yield 2; }\nexport class K { x = 3; }\n"
            "export const c = 4;\nconst hidden = 5;\n"
        ),
        main=(
            'import { K, c, f, g, h } from "./parts.js";\n'
            "console.log(f(), typeof g, ...h(), new K().x, c);\n"
        ),
    )
    assert run(node, tied(entry)).split() == ["1", "function", "2", "3", "4"]
    made = top_level_names(tmp_path / "parts.js")
    assert made == {**dict.fromkeys(["f", "g", "h", "K", "c"], True), "hidden": False}


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small set of modules of the same form as the book's."""
    files = {
        "core/one.js": "export const one = 1;\n",
        "ui/part.js": 'import { one } from "../core/one.js";\n'
        "export function part(x) { return x + one; }\n",
        "views/shared.js": "export const hundred = 100;\n",
        "views/a.js": 'import { part } from "../ui/part.js";\n'
        'import { hundred } from "./shared.js";\n'
        "export function renderA() { return part(hundred); }\n",
        "views/b.js": 'import { one } from "../core/one.js";\n'
        'import { hundred } from "./shared.js";\n'
        "export function renderB() { return one - hundred; }\n",
        "views/index.js": 'import { renderA } from "./a.js";\n'
        'import { renderB } from "./b.js";\n'
        "export const VIEWS = {\n  a: renderA,\n  b: renderB,\n};\n",
        "host/page.js": 'import { VIEWS } from "../views/index.js";\n'
        "console.log(...Object.entries(VIEWS).map(([k, f]) => k + f()));\n"
        "var left = 1;\n",
        "host/lab.js": 'import { VIEWS } from "../views/index.js";\n'
        "export function renderIt(k) { return k + VIEWS[k](); }\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(bundle, "JS", tmp_path)
    monkeypatch.setattr(bundle, "_VIEWS", tmp_path / "views")
    monkeypatch.setattr(bundle, "_INDEX", tmp_path / "views" / "index.js")
    return tmp_path


def test_a_page_draws_what_its_scripts_bring(node: str, house: Path) -> None:
    assert list(drawn_kinds()) == ["a", "b"]
    a, b = view_bundle("a"), view_bundle("b")
    assert run(node, b + a + page_bundle()) == "b-99 a101\n"
    assert run(node, a + page_bundle()) == "a101\n"
    assert run(node, page_bundle()) == "\n"
    assert "hundred" in a and "function part" not in a


def test_a_page_of_its_own_has_one_figure_inside(node: str, house: Path) -> None:
    assert run(node, page_bundle("a")) == "a101\n"
    assert "renderB" not in page_bundle("a")
    assert "part" not in page_bundle("b")


def test_a_page_gets_no_global_name_but_the_figures(node: str, house: Path) -> None:
    probe = "console.log(Object.keys(globalThis).filter((k) => !known.has(k)).join());"
    script = "const known = new Set(Object.keys(globalThis));"
    script += view_bundle("a") + page_bundle() + probe + "console.log(typeof left);"
    assert run(node, script).split() == ["a101", "MiniGPTViews", "undefined"]


def test_a_widget_gets_one_function_that_draws(
    node: str, house: Path, tmp_path: Path
) -> None:
    module = tmp_path / "made.mjs"
    module.write_text(lab_bundle("b"), encoding="utf-8")
    script = f"import made from {module.as_uri()!r}; console.log(made.render('b'));"
    assert run(node, script, kind="module") == "b-99\n"
    assert "renderA" not in lab_bundle("b")


def test_a_kind_that_nobody_draws_is_named(house: Path) -> None:
    with pytest.raises(ValueError, match=r"index.js has no figure 'c': a, b"):
        page_bundle("c")


def test_a_widget_draws_with_one_function(house: Path) -> None:
    (house / "host" / "lab.js").write_text("function hidden() {}\n")
    with pytest.raises(ValueError, match="must export one function"):
        lab_bundle("a")


WRONG = {
    "both have the top-level name 'same'": {
        "a": "export const one = 1;\nfunction same() {}\n",
        "b": 'import { one } from "./a.js";\nconst same = one;\n',
    },
    "imports two, which a.js does not export; it exports one": {
        "a": "export const one = 1;\nconst two = 2;\n",
        "b": 'import { two } from "./a.js";\n',
    },
    "circle: b.js -> a.js -> b.js": {
        "a": 'import { b } from "./b.js";\nexport const a = 1;\n',
        "b": 'import { a } from "./a.js";\nexport const b = 1;\n',
    },
    "there is no module": {"b": 'import { a } from "./gone.js";\n'},
    "write it as import": {"b": 'import {\n  a,\n} from "./a.js";\n'},
    'write it as import { a, b } from "./file.js"; not \'import \\* as': {
        "b": 'import * as a from "./a.js";\n'
    },
    "not 'import { a as b }": {"b": 'import { a as b } from "./a.js";\n'},
    "export what you make": {"b": "const a = 1;\nexport { a };\n"},
    "not 'export default a": {"b": "const a = 1;\nexport default a;\n"},
    "give one name a line": {"b": "const { a, b } = f();\n"},
}


@pytest.mark.parametrize("message", WRONG)
def test_modules_that_cannot_be_tied(message: str, tmp_path: Path) -> None:
    pattern = message if "\\" in message else re.escape(message)
    with pytest.raises(ValueError, match=pattern.replace("{ a, b }", r"\{ a, b \}")):
        tied(write(tmp_path, **WRONG[message]))


# The book's own modules.


def test_every_kind_is_drawn_and_every_drawing_can_be_asked_for() -> None:
    assert list(drawn_kinds()) == list(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_what_one_kind_of_figure_needs_is_small(kind: str) -> None:
    parts = {
        "page": page_bundle() + view_bundle(kind),
        "alone": page_bundle(kind),
        "lab": lab_bundle(kind),
    }
    sizes = {name: len(text.encode()) for name, text in parts.items()}
    print(f"{kind:16} " + "  ".join(f"{n} {size:,}" for n, size in sizes.items()))
    assert max(sizes.values()) <= LIMIT
    assert page_bundle(kind) == parts["alone"]


def test_all_modules_could_share_one_scope() -> None:
    tied(JS / "host" / "page.js")
    tied(JS / "host" / "lab.js")


def test_every_module_is_used() -> None:
    entries = (JS / "host" / "page.js", JS / "host" / "lab.js")
    used = {path for entry in entries for path in module_order(entry)}
    assert {path.name for path in JS.rglob("*.js") if path not in used} == set()


def texts(kind: str) -> dict[str, str]:
    return {
        "page.cjs": page_bundle(),
        "view.cjs": view_bundle(kind),
        "alone.cjs": page_bundle(kind),
        "lab.mjs": lab_bundle(kind),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_no_script_names_another_host_or_ends_its_element(kind: str) -> None:
    for text in (*texts(kind).values(), bundle_css()):
        found = re.findall(r"(?:https?:)?//[\w-]+\.[\w.-]+", text)
        assert [one for one in found if "www.w3.org" not in one] == []
        assert "<!--" not in text


def test_node_parses_every_script(node: str, tmp_path: Path) -> None:
    for kind in KINDS:
        for name, text in texts(kind).items():
            (tmp_path / f"{kind}.{name}").write_text(text, encoding="utf-8")
    for path in sorted(tmp_path.iterdir()):
        done = subprocess.run([node, "--check", path], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_the_engine_inside_a_bundle_computes_what_torch_does(
    node: str, tmp_path: Path
) -> None:
    entry = tmp_path / "probe.js"
    for path in (JS / "core").glob("*.js"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    entry.write_text(
        'import { loadCheckpoint } from "./checkpoint.js";\n'
        "globalThis.probe = (file, text) => {\n"
        "  const { model, tokenizer } = loadCheckpoint(file);\n"
        "  const ids = tokenizer.encode(text);\n"
        "  return { ids, logits: [...model.run(ids).logits.data] };\n"
        "};\n",
        encoding="utf-8",
    )
    script = tied(entry) + (
        f"const file = require('fs').readFileSync({str(shipped_model('reader'))!r});"
        f"console.log(JSON.stringify(probe(file, {json.dumps(SENTENCE)})));"
    )
    found = json.loads(run(node, script))
    source = shipped_source("reader")
    ids = source.tokenizer.encode(SENTENCE)
    assert found["ids"] == ids
    logits = source.answer("run", {"ids": ids}).arrays["logits"]
    apart = torch.tensor(found["logits"]) - torch.from_numpy(logits).flatten()
    assert apart.abs().max() < 1e-4
