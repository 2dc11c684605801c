"""The figures' modules as scripts: for the pages of the book, and for JupyterLab.

A page that was opened from a disk may load no modules, and a reader has no Node. So the
modules follow the rules of the house (one-line named imports, top-level names unique
over all files) and are simply written behind one another, each after those it imports,
without comments. It refuses to know what they compute.

    page_bundle()          # what all pages share: the engine, and the parts of figures
    view_bundle("heads")   # one kind of figure, for the pages that have it
    page_bundle("heads")   # both in one script, for a page of its own
    lab_bundle("heads")    # a module without the engine; anywidget calls its `render`

The same modules give the same bytes on every machine.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from .shrink import shrink

__all__ = [
    "JS",
    "LIMIT",
    "bundle_css",
    "drawn_kinds",
    "lab_bundle",
    "module_order",
    "page_bundle",
    "tied",
    "top_level_names",
    "view_bundle",
]

FOLDER = Path(__file__).parent
JS = FOLDER / "js"
#: What a page loads to draw one kind of figure may have this many bytes.
LIMIT = 150_000

_VIEWS = JS / "views"
_INDEX = _VIEWS / "index.js"  # the list of all kinds; no script needs all of them
_KIND = re.compile(r"^  (\w+): (\w+),$", re.M)

_IMPORT = re.compile(r'import \{ ([\w$, ]+) \} from "(\.{1,2}/[\w./]+\.js)";')
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\b|class\b|const\b))", re.M)
_MADE = re.compile(
    r"^(export )?(?:async )?(?:function\b\s*\*?|(?:class|const|let|var)\b)\s*([\w$]*)",
    re.M,
)

Texts = Mapping[Path, str]  # what stands in a module instead of its file


def page_bundle(kind: str | None = None) -> str:
    """The script of a page: it finds the figures and draws each when it comes near.

    Without a `kind` it draws what the scripts of `view_bundle` before it have brought.
    """
    texts = {_INDEX: _brought() if kind is None else _alone(kind)}
    return _called(tied(JS / "host" / "page.js", texts))


def view_bundle(kind: str) -> str:
    """The script that brings one kind of figure to a page."""
    path, render = _home(kind)
    own = [one for one in module_order(path) if one.is_relative_to(_VIEWS)]
    needs = ",".join(sorted({n for _, names in _outside(own) for n in names}))
    body = "\n".join(_untied(one, {}) for one in own)
    return (
        f'(globalThis.MiniGPTViews??={{}}).{kind}=(parts)=>{{"use strict";\n'
        f"const {{{needs}}}=parts;\n{body}\nreturn {render};\n}};\n"
    )


def lab_bundle(kind: str) -> str:
    """The module of a widget: it draws one figure, and lets Python compute.

    Raises ValueError unless host/lab.js exports one function, the one that draws.
    """
    entry = JS / "host" / "lab.js"
    exported = [name for name, out in top_level_names(entry).items() if out]
    if len(exported) != 1:
        raise ValueError(f"{entry.name} must export one function, not {exported}")
    body = tied(entry, {_INDEX: _alone(kind)})
    return f"{body}\nexport default {{ render: {exported[0]} }};\n"


def bundle_css() -> str:
    """The figures' style sheet."""
    return (FOLDER / "css" / "figures.css").read_text(encoding="utf-8")


def drawn_kinds() -> dict[str, str]:
    """Every kind of figure in views/index.js, and the function that draws it."""
    return dict(_KIND.findall(_code(_INDEX, {})))


def _called(body: str) -> str:
    return f'(()=>{{"use strict";\n{body}\n}})();\n'


def _home(kind: str) -> tuple[Path, str]:
    """The module of a kind of figure, and the name of its function."""
    kinds = drawn_kinds()
    if kind not in kinds:
        raise ValueError(f"{_INDEX.name} has no figure {kind!r}: {', '.join(kinds)}")
    homes = {n: path for path, names in _imports(_INDEX, {}) for n in names}
    return homes[kinds[kind]], kinds[kind]


def _alone(kind: str) -> str:
    """An index of one kind."""
    path, render = _home(kind)
    return (
        f'import {{ {render} }} from "./{path.name}";\n'
        f"export const VIEWS = {{ {kind}: {render} }};\n"
    )


def _brought() -> str:
    """An index of what other scripts bring; each is given all parts that any needs."""
    views = {one for kind in drawn_kinds() for one in module_order(_home(kind)[0])}
    needs: dict[Path, set[str]] = {}
    for target, names in _outside(sorted(views)):
        needs.setdefault(target, set()).update(names)
    lines = [
        f'import {{ {", ".join(sorted(names))} }} from "../{target.relative_to(JS)}";\n'
        for target, names in sorted(needs.items())
    ]
    parts = ", ".join(sorted(name for names in needs.values() for name in names))
    return "".join(lines) + (
        "export const VIEWS = Object.fromEntries(\n"
        "  Object.entries(globalThis.MiniGPTViews ?? {})\n"
        f"    .map(([kind, make]) => [kind, make({{ {parts} }})]));\n"
    )


def _outside(paths: Iterable[Path]) -> Iterable[tuple[Path, list[str]]]:
    """What modules of views import from other folders."""
    for path in paths:
        if path.is_relative_to(_VIEWS):
            for target, names in _imports(path, {}):
                if not target.is_relative_to(_VIEWS):
                    yield target, names


def tied(entry: Path, texts: Texts | None = None) -> str:
    """The module `entry` and all that it imports, in one scope, without comments.

    Raises ValueError for two top-level names alike, an import of what is not exported,
    and imports or exports that are not written as the rules ask.
    """
    texts = texts or {}
    order = module_order(entry, texts)
    homes: dict[str, Path] = {}
    for path in order:
        for name in top_level_names(path, texts):
            if name in homes:
                raise ValueError(
                    f"{path.name} and {homes[name].name} both have the top-level name "
                    f"{name!r}: rename one, all files share one scope"
                )
            homes[name] = path
    return "\n".join(_untied(path, texts) for path in order)


def module_order(entry: Path, texts: Texts | None = None) -> list[Path]:
    """The files that `entry` needs, itself last, each after those it imports."""
    texts, done = texts or {}, dict[Path, None]()

    def visit(path: Path, trail: tuple[Path, ...]) -> None:
        if path in trail:
            names = " -> ".join(one.name for one in (*trail, path))
            raise ValueError(f"modules import each other in a circle: {names}")
        if path in done:
            return
        for target, names in _imports(path, texts):
            visit(target, (*trail, path))
            made = top_level_names(target, texts)
            exported = sorted(name for name, out in made.items() if out)
            if missing := [name for name in names if name not in exported]:
                raise ValueError(
                    f"{path.name} imports {missing[0]}, which {target.name} does not "
                    f"export; it exports {', '.join(exported) or 'nothing'}"
                )
        done[path] = None

    visit(entry, ())
    return list(done)


def top_level_names(path: Path, texts: Texts | None = None) -> dict[str, bool]:
    """Names made at the beginning of a line, and whether each is exported."""
    names: dict[str, bool] = {}
    for found in _MADE.finditer(_code(path, texts or {})):
        if not found[2]:
            raise ValueError(f"{path.name}: give one name a line: {found[0]!r}")
        names[found[2]] = found[1] is not None
    return names


def _code(path: Path, texts: Texts) -> str:
    """The text of a module; ValueError names the file if there is none."""
    if path in texts:
        return texts[path]
    if not path.is_file():
        raise ValueError(f"there is no module {path}")
    return path.read_text(encoding="utf-8")


def _imports(path: Path, texts: Texts) -> list[tuple[Path, list[str]]]:
    """Where a module imports from, in order, and which names."""
    found = []
    for line in _code(path, texts).splitlines():
        if not line.startswith("import"):
            continue
        parts = _IMPORT.fullmatch(line)
        if parts is None or " as " in parts[1]:
            raise ValueError(
                f"{path.name}: write it as import {{ a, b }} from "
                f'"./file.js"; not {line!r}'
            )
        target = Path(os.path.normpath(path.parent / parts[2]))
        found.append((target, [name.strip() for name in parts[1].split(",")]))
    return found


def _untied(path: Path, texts: Texts) -> str:
    """A module without its imports, exports and comments."""
    lines = _code(path, texts).splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith("import"))
    text = _EXPORT.sub("", text)
    if left := re.search(r"^export\b.*", text, re.M):
        raise ValueError(f"{path.name}: export what you make; not {left[0]!r}")
    return shrink(text)
