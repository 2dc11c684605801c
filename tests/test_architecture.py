"""The rules of the house that a program can check, on every module of the package."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import minigpt_edu

PACKAGE = Path(minigpt_edu.__file__).parent
TESTS = Path(__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
NAMES = {
    path: ".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in MODULES
}

LAYER = {
    **dict.fromkeys(["device", "log", "spelling"], 0),
    "text": 1,
    "model": 2,
    **dict.fromkeys(["checkpoint", "corpora", "shipped"], 3),
    **dict.fromkeys(["training", "inference", "machine", "interop"], 4),
    **dict.fromkeys(["learn", "viz", "evaluation", "book"], 5),
    **dict.fromkeys(["cli", "web", "__main__"], 6),
}
MAY_ALSO = {
    ("learn", "viz"),
    ("book", "learn"),
    ("book", "viz"),
    ("shipped", "corpora"),
    ("__main__", "cli"),
}
# A test file named after its module, except where another name says it better.
TESTED_IN = {
    "__init__": "test_architecture.py",
    "__main__": "test_cli.py",
    "model.hook_table": "model/test_hooks.py",
    "model.presets": "model/test_config.py",
    "viz.js_schema": "viz/test_js_core.py",
}


def name_of(path: Path) -> str:
    return NAMES[path]


def imports_of(path: Path) -> list[str]:
    """Modules of this package that a module imports, anywhere in it."""
    here = path.relative_to(PACKAGE).parts[:-1]
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            if node.level:
                base = here[: len(here) - node.level + 1]
                tail = node.module.split(".") if node.module else []
                named = [".".join([*base, *tail])]
                if not node.module:
                    named = [".".join([*base, alias.name]) for alias in node.names]
                found += named
            elif (node.module or "").startswith("minigpt_edu"):
                found.append((node.module or "").removeprefix("minigpt_edu").strip("."))
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("minigpt_edu."):
                    found.append(alias.name.removeprefix("minigpt_edu."))
    return [name for name in found if name and name != "__version__"]


def part_of(name: str) -> str:
    return name.split(".")[0]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_go_down(path):
    me = part_of(name_of(path))
    if me == "__init__":
        return  # the package's front door names everything, and imports it when asked
    assert me in LAYER, f"give {me} a layer"
    for name in imports_of(path):
        other = part_of(name)
        fine = other == me or LAYER[other] < LAYER[me] or (me, other) in MAY_ALSO
        assert fine, f"{name_of(path)} (layer {LAYER[me]}) imports {name}"


def test_no_cycles():
    graph: dict[str, set[str]] = {}
    known = set(NAMES.values())
    for path in MODULES:
        name = name_of(path)
        if name == "__init__":
            continue
        targets = set()
        for target in imports_of(path):
            target = target if target in known else f"{target}.__init__"
            if target in known and target != name:
                targets.add(target)
        graph[name] = targets
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail, name])
        if name not in done:
            for target in graph.get(name, ()):
                late = (name, target) == ("model.config", "model.presets")
                if not late:
                    visit(target, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_sizes(path):
    text = path.read_text(encoding="utf-8")
    lines = len(text.splitlines())
    limit = 200 if name_of(path) == "model.gpt" else 350
    assert lines <= limit, f"{lines} lines, at most {limit}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= 40, f"{node.name} has {length} lines, at most 40"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_public_names_exist_and_are_documented(path):
    name = name_of(path)
    if name == "__main__":
        return
    module = importlib.import_module(f"minigpt_edu.{name}".removesuffix(".__init__"))
    assert module.__doc__, "a module says what it is"
    if name.endswith("__init__") and not hasattr(module, "__all__"):
        return
    for public in module.__all__:
        thing = getattr(module, public)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            ours = (thing.__module__ or "").startswith("minigpt_edu")
            own = (
                thing.__dict__.get("__doc__")
                if inspect.isclass(thing)
                else thing.__doc__
            )
            generated = own is not None and own.startswith(f"{public}(")  # by dataclass
            assert not ours or (own and not generated), f"{public} needs a docstring"
    if not name.endswith("__init__"):
        own_names = {
            node.name
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
            and not node.name.startswith("_")
        }
        assert own_names <= set(module.__all__), own_names - set(module.__all__)


def test_no_room_without_a_purpose():
    for path in MODULES:
        assert path.stem not in {"utils", "util", "common", "helpers", "misc"}, path


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_has_its_tests(path):
    name = name_of(path)
    if name.endswith(".__init__"):
        return
    *folders, stem = name.split(".")
    home = TESTED_IN.get(name, "/".join([*folders, f"test_{stem}.py"]))
    if part_of(name) == "cli":
        home = "test_cli.py"  # commands are tested as they are typed
    assert (TESTS / home).is_file(), f"write tests/{home}"


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print('\\n'.join(sys.modules))"
    command = [sys.executable, "-c", code]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {line.split(".")[0] for line in out.splitlines()}


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import minigpt_edu", {"torch", "numpy", "IPython", "matplotlib"}),
        ("import minigpt_edu.text", {"torch", "IPython", "matplotlib"}),
        ("import minigpt_edu.log", {"torch", "numpy"}),
        (
            "import minigpt_edu.cli, minigpt_edu.training, minigpt_edu.inference",
            {"IPython", "ipywidgets", "anywidget", "matplotlib", "plotly", "sphinx"},
        ),
    ],
)
def test_imports_are_light(statement, absent):
    assert not loaded_by(statement) & absent


def test_the_front_door_opens_every_room():
    for name in minigpt_edu.__all__:
        assert getattr(minigpt_edu, name) is not None
    assert set(minigpt_edu.__all__) <= set(dir(minigpt_edu))
    with pytest.raises(AttributeError, match="no name 'GTP'"):
        _ = minigpt_edu.GTP
    assert len(minigpt_edu.__all__) == len(minigpt_edu._HOME)


def test_the_rules_can_fail(tmp_path):
    """The import reader sees what it must forbid."""
    path = PACKAGE / "text" / "nowhere.py"
    source = "from ..model.gpt import GPT\nimport minigpt_edu.viz\nfrom . import bpe\n"
    fake = tmp_path / "nowhere.py"
    fake.write_text(source)

    class Fake:
        def relative_to(self, other):
            return path.relative_to(other)

        def read_text(self, encoding):
            return fake.read_text(encoding=encoding)

    assert imports_of(Fake()) == ["model.gpt", "viz", "text.bpe"]
