"""The figures' modules as one script: for a page of the book, and for JupyterLab.

A page that was opened from a disk may load no modules, and a reader has no Node. So the
modules follow the rules of the house (one-line named imports, top-level names unique
over all files) and are simply written behind one another, each after those it imports,
without comments. It refuses to know what they compute.

    page_bundle()        # one function, called at once; for <script defer>
    lab_bundle()         # one module; anywidget calls its `render`

The same modules give the same bytes on every machine.
"""

from __future__ import annotations

import re
from pathlib import Path

from .shrink import shrink

__all__ = [
    "JS",
    "LIMIT",
    "bundle_css",
    "lab_bundle",
    "module_order",
    "page_bundle",
    "tied",
    "top_level_names",
]

FOLDER = Path(__file__).parent
JS = FOLDER / "js"
#: A bundle may have this many bytes, before the server compresses it.
LIMIT = 150_000

_IMPORT = re.compile(r'import \{ ([\w$, ]+) \} from "(\.{1,2}/[\w./]+\.js)";')
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\b|class\b|const\b))", re.M)
_MADE = re.compile(
    r"^(export )?(?:async )?(?:function\b\s*\*?|(?:class|const|let|var)\b)\s*([\w$]*)",
    re.M,
)


def page_bundle(entry: Path = JS / "host" / "page.js") -> str:
    """The script of a page: draws every figure in it, with the engine inside."""
    return f'(()=>{{"use strict";\n{tied(entry)}\n}})();\n'


def lab_bundle(entry: Path = JS / "host" / "lab.js") -> str:
    """The module of the widget: draws one figure, and lets Python compute.

    Raises ValueError unless `entry` exports one function, the one that draws.
    """
    made = top_level_names(entry)
    exported = [name for name, out in made.items() if out]
    if len(exported) != 1:
        raise ValueError(f"{entry.name} must export one function, not {exported}")
    return f"{tied(entry)}\nexport default {{ render: {exported[0]} }};\n"


def bundle_css() -> str:
    """The figures' style sheet."""
    return (FOLDER / "css" / "figures.css").read_text(encoding="utf-8")


def tied(entry: Path) -> str:
    """The module `entry` and all that it imports, in one scope, without comments.

    Raises ValueError for two top-level names alike, an import of what is not exported,
    and imports or exports that are not written as the rules ask.
    """
    order = module_order(entry)
    homes: dict[str, Path] = {}
    for path in order:
        for name in top_level_names(path):
            if name in homes:
                raise ValueError(
                    f"{path.name} and {homes[name].name} both have the top-level name "
                    f"{name!r}: rename one, all files share one scope"
                )
            homes[name] = path
    return "\n".join(shrink(_untied(path)) for path in order)


def module_order(entry: Path) -> list[Path]:
    """The files that `entry` needs, itself last, each after those it imports."""
    done: dict[Path, bool] = {}

    def visit(path: Path, trail: tuple[Path, ...]) -> None:
        if path in trail:
            names = " -> ".join(one.name for one in (*trail, path))
            raise ValueError(f"modules import each other in a circle: {names}")
        if path in done:
            return
        for target, names in _imports(path):
            visit(target, (*trail, path))
            exported = {n for n, out in top_level_names(target).items() if out}
            if missing := [name for name in names if name not in exported]:
                raise ValueError(
                    f"{path.name} imports {missing[0]}, which {target.name} does not "
                    f"export; it exports {', '.join(sorted(exported)) or 'nothing'}"
                )
        done[path] = True

    visit(entry.resolve(), ())
    return list(done)


def top_level_names(path: Path) -> dict[str, bool]:
    """Names made at the beginning of a line, and whether each is exported."""
    names: dict[str, bool] = {}
    for found in _MADE.finditer(_code(path)):
        if not found[2]:
            raise ValueError(f"{path.name}: give one name a line: {found[0]!r}")
        names[found[2]] = found[1] is not None
    return names


def _code(path: Path) -> str:
    """The text of a module; ValueError names the file if there is none."""
    if not path.is_file():
        raise ValueError(f"there is no module {path}")
    return path.read_text(encoding="utf-8")


def _imports(path: Path) -> list[tuple[Path, list[str]]]:
    """Where a module imports from, in order, and which names."""
    found = []
    for line in _code(path).splitlines():
        if not line.startswith("import"):
            continue
        parts = _IMPORT.fullmatch(line)
        if parts is None or " as " in parts[1]:
            raise ValueError(
                f"{path.name}: write it as import {{ a, b }} from "
                f'"./file.js"; not {line!r}'
            )
        target = (path.parent / parts[2]).resolve()
        found.append((target, [name.strip() for name in parts[1].split(",")]))
    return found


def _untied(path: Path) -> str:
    """A module without its imports and exports."""
    lines = _code(path).splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith("import"))
    text = _EXPORT.sub("", text)
    if left := re.search(r"^export\b.*", text, re.M):
        raise ValueError(f"{path.name}: export what you make; not {left[0]!r}")
    return text
