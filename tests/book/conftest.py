"""A book of four pages, built with the settings of the real one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).parents[2]
PLOTLY = "application/vnd.plotly.v1+json"
NUMBERS = "application/vnd.minigpt.numbers+json"
VIEW = "application/vnd.minigpt.figure+json"
WIDGET = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"

# One white pixel.
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mP8/x8AAwMCAO+ip1sAAAAA"
    "SUVORK5CYII="
)


def displayed(data: dict[str, Any], **note: Any) -> Any:
    """An output as `show` stores it."""
    metadata = {"minigpt": note} if note else {}
    if "image/png" in data:
        metadata["image/png"] = {"width": 640, "height": 360}
    return new_output("display_data", data=data, metadata=metadata)


def a_figure(
    label: str, primary: str, content: Any, *, picture: bool = False, **more: Any
) -> list[Any]:
    """The two outputs of one figure: the picture and the caption for JupyterLab."""
    caption = f"The caption of {label}, with $x^2$."
    note = {
        "label": label,
        "caption": caption,
        "alt": f"A view of {label}.",
        "primary": primary,
        **more,
    }
    bundle = {primary: content, "text/plain": f"{label}: {note['alt']}"}
    if primary == PLOTLY or picture:
        bundle["image/png"] = PNG  # as JupyterLab adds when a reader saves
    return [
        displayed(bundle, **note),
        displayed({"text/markdown": f"**Figure.** {caption}"}, role="caption"),
    ]


#: A figure that computes, and one of a model that no page has.
HEADS = {"view": "heads", "config": {"prompt": 'a <b> & "c"', "checkpoint": "reader"}}
OWN = {"view": "heads", "config": {"prompt": "a boat", "checkpoint": None}}

DIRECTIVE = """\
```{figure-live} logit_lens
{"label": "fig-lens", "caption": "A lens, as $x^2$ is.", "alt": "A view of fig-lens.",
 "config": {"prompt": "The old boat"}}
```
"""


def a_notebook() -> Any:
    lines = {"data": [{"y": [1, 2]}], "layout": {"height": 321}}
    tricky = {"data": [{"y": [1], "name": "</script><!--<b>"}], "layout": {}}
    outputs = [
        a_figure("fig-drawing", "image/png", PNG, shaded=False),
        a_figure("fig-map", "image/png", PNG, shaded=True),
        a_figure("fig-lines", PLOTLY, lines),
        [  # two in one cell: each has its own picture, or none
            *a_figure("fig-heads", VIEW, HEADS, picture=True),
            *a_figure("fig-own", VIEW, OWN),
        ],
        [displayed({PLOTLY: tricky, "text/plain": "Figure()"})],
        [displayed({NUMBERS: {"loss": "1.87"}})],
        [displayed({WIDGET: {"model_id": "1"}, "text/html": "<p>the slider</p>"})],
        [displayed({WIDGET: {"model_id": "2"}, "text/plain": "Slider(value=3)"})],
        [displayed({"text/markdown": "```python\ndef shown(): ...\n```"})],
    ]
    cells = [new_markdown_cell("# Figures\n\nA formula: $x$, $\\boldsymbol{y}$.")]
    for number, output in enumerate(outputs, 1):
        cell = new_code_cell("...", execution_count=number, outputs=output)
        cells.append(cell)
    notebook = new_notebook(cells=cells)
    notebook.metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3"},
        "language_info": {"name": "python"},
        "widgets": {STATE: {"state": {"1": {"model_name": "IntSlider"}}}},
    }
    return nbformat.from_dict(notebook)


@pytest.fixture(scope="session")
def small_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of its HTML: intro.html, figures.html, ...."""
    folder = tmp_path_factory.mktemp("small")
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    del config["logo"], config["html"]["favicon"]
    config["exclude_patterns"].remove(
        "*.md"
    )  # no page lies at the root of the real one
    (folder / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    toc = {
        "format": "jb-book",
        "root": "intro",
        "chapters": [{"file": "figures"}, {"file": "words"}, {"file": "live"}],
    }
    (folder / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf-8")
    (folder / "intro.md").write_text("# Intro\n\nSee [it](figures.ipynb).\n")
    (folder / "words.md").write_text("# Words\n\nSee {numref}`fig-map`.\n")
    (folder / "live.md").write_text(
        f"# Live\n\n{DIRECTIVE}\nSee {{numref}}`fig-lens`.\n"
    )
    nbformat.write(a_notebook(), folder / "figures.ipynb")
    program = shutil.which("jupyter-book", path=str(Path(sys.executable).parent))
    command = [str(program), "build", str(folder), "-W", "-n", "--keep-going", "-q"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "_build" / "html"
