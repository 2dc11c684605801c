"""Sphinx extension: pages that need no other host and no kernel.

It copies the scripts and fonts that pages load (plotly and MathJax, from their Python
packages) into the built book, writes the figures' script and models beside them, adds
the book's style sheet, and takes out what Jupyter Book adds for a live kernel: thebe
and the state of widgets. It refuses to know what the pages say.

    sphinx:
      extra_extensions: [minigpt_edu.book.sphinx]     # in _config.yml

Events: https://www.sphinx-doc.org/en/master/extdev/event_callbacks.html
"""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from docutils import nodes

from minigpt_edu.book.live import FigureLive, add_scripts, write_scripts

__all__ = [
    "add_assets",
    "copy_parts",
    "drop_empty_outputs",
    "drop_thebe_style",
    "drop_widget_state",
    "package_folder",
    "setup",
    "silence_thebe",
]

STATIC = Path(__file__).parent / "static"

# What a page with mathematics loads: the script, its fonts, and the TeX extensions that
# a formula asks for by name (\boldsymbol, \cancel, ...). The rest is for other outputs.
MATHJAX_FILES = ("tex-chtml.js", "output/chtml/fonts/woff-v2", "input/tex/extensions")


def setup(app: Any) -> dict[str, Any]:
    """Connect the extension to the build; Sphinx calls this once."""
    app.add_directive("figure-live", FigureLive)
    app.connect("config-inited", silence_thebe)
    app.connect("builder-inited", add_assets)
    app.connect("doctree-read", drop_empty_outputs)
    app.connect("env-updated", drop_widget_state)
    app.connect("html-page-context", add_scripts)
    app.connect("html-page-context", drop_thebe_style, priority=900)
    app.setup_extension("minigpt_edu.book.badge")
    app.setup_extension("minigpt_edu.book.quiz_page")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def add_assets(app: Any) -> None:
    """Give the HTML builder our style sheets and scripts, plotly and MathJax."""
    if app.builder.format != "html":
        return
    plotly = package_folder("plotly") / "package_data" / "plotly.min.js"
    app.config.html_static_path += [str(STATIC), str(plotly)]
    app.add_css_file("minigpt.css")
    write_scripts(Path(app.outdir) / "_static")
    source = package_folder("sphinx-mathjax-offline") / "static" / "mathjax"
    copy_parts(source, Path(app.outdir) / "_static" / "mathjax", MATHJAX_FILES)


def package_folder(name: str) -> Path:
    """Where an installed package lies; ModuleNotFoundError names the remedy."""
    spec = find_spec(name)
    places = list(spec.submodule_search_locations or []) if spec else []
    if not places:
        raise ModuleNotFoundError(
            f"the book needs the package {name}: pip install -r requirements.txt"
        )
    return Path(places[0])


def copy_parts(source: Path, target: Path, parts: tuple[str, ...]) -> None:
    """Copy files and folders, named relative to `source`, that are not there yet."""
    for part in parts:
        if (target / part).exists():
            continue
        (target / part).parent.mkdir(parents=True, exist_ok=True)
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part)
        else:
            shutil.copy2(source / part, target / part)


def drop_empty_outputs(_app: Any, doctree: nodes.document) -> None:
    """A cell that only published numbers leaves no empty box behind."""
    for node in list(doctree.findall(nodes.container)):
        if node.get("nb_element") == "cell_code_output" and not node.children:
            node.parent.remove(node)


def drop_widget_state(_app: Any, env: Any) -> None:
    """Widgets have no kernel in the book: take out their state and its loaders."""
    for metadata in getattr(env, "nb_metadata", {}).values():
        scripts = metadata.get("js_files", {})
        for key in [key for key in scripts if key.startswith("ipywidgets_")]:
            del scripts[key]


def silence_thebe(app: Any, _config: Any) -> None:
    """Jupyter Book always adds thebe: an address of another host and a page error."""
    for listeners in app.events.listeners.values():
        for listener in list(listeners):
            if listener.handler.__module__ == "sphinx_thebe":
                app.disconnect(listener.id)


def drop_thebe_style(
    _app: Any, _page: str, _template: str, context: dict[str, Any], _doctree: Any
) -> None:
    """What is left of thebe is its style sheet."""
    sheets = context.get("css_files", [])
    context["css_files"] = [sheet for sheet in sheets if "thebe" not in str(sheet)]
