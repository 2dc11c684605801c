"""The notebooks as a reader meets them in JupyterLab, without a network or a kernel."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "chapters" / "overview" / "life_of_a_token.ipynb"
START_SECONDS = 90
CELL = "window.jupyterapp.shell.currentWidget.content"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_up(address: str, process: subprocess.Popen) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, "JupyterLab stopped"
        try:
            urllib.request.urlopen(f"{address}/api", timeout=2).close()
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not answer within {START_SECONDS} s")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a JupyterLab of our own, on a copy of one notebook."""
    work, private = tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("private")
    shutil.copy(NOTEBOOK, work)
    news = private / "settings" / "@jupyterlab" / "apputils-extension"
    news.mkdir(parents=True)
    (news / "notification.jupyterlab-settings").write_text(
        '{"fetchNews": "false", "checkForUpdates": false}'
    )
    port = free_port()
    options = {
        "ServerApp.root_dir": work,
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.allow_root": True,
        "ServerApp.open_browser": False,
        "IdentityProvider.token": "",
        "LabApp.expose_app_in_browser": True,
        "LabApp.extension_manager": "readonly",
    }
    folders = {
        "JUPYTER_CONFIG_DIR": private / "config",
        "JUPYTER_DATA_DIR": private / "data",
        "JUPYTERLAB_SETTINGS_DIR": private / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": private / "workspaces",
        "IPYTHONDIR": private / "ipython",
    }
    command = [sys.executable, "-m", "jupyterlab"]
    command += [f"--{key}={value}" for key, value in options.items()]
    environment = {**os.environ, **{key: str(value) for key, value in folders.items()}}
    with (private / "log").open("w") as log:
        process = subprocess.Popen(
            command, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            wait_until_up(f"http://127.0.0.1:{port}", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
def tab(browser: Any, lab: str) -> Iterator[Any]:
    """The notebook, opened; ``tab.asked`` lists requests to other hosts."""
    page, asked = browser.new_page(), []

    def request(route: Any) -> None:
        parts = urlsplit(route.request.url)
        if parts.hostname == "127.0.0.1" or parts.scheme in ("data", "blob", "about"):
            route.continue_()
        else:
            asked.append(route.request.url)
            route.abort()

    page.route("**/*", request)
    page.asked = asked
    page.goto(f"{lab}/lab/tree/{NOTEBOOK.name}")
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=60_000)
    yield page
    page.close()


def outputs_of(notebook: Any, primary: str) -> list[tuple[int, dict]]:
    """The cells that show a figure of this kind, with what is known of it."""
    found = []
    for position, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            note = output.get("metadata", {}).get("minigpt", {})
            if note.get("primary") == primary:
                found.append((position, note))
    return found


def shown_cell(tab: Any, position: int) -> Any:
    """Scroll to a cell: JupyterLab keeps only what is near in the page."""
    tab.evaluate(f"n => {CELL}.scrollToItem(n)", position)
    cell = tab.locator(f'.jp-Cell[data-windowed-list-index="{position}"]')
    cell.wait_for(timeout=20_000)
    return cell


PICTURES = {
    "image/png": ".jp-RenderedImage img",
    "application/vnd.plotly.v1+json": ".plot-container",
}


@pytest.mark.parametrize("kind", PICTURES)
def test_figures_and_captions_are_seen(tab: Any, kind: str) -> None:
    figures = outputs_of(nbformat.read(NOTEBOOK, as_version=4), kind)
    if kind == "image/png":
        assert figures
    for position, note in figures:
        cell = shown_cell(tab, position)
        cell.locator(PICTURES[kind]).first.wait_for(timeout=20_000)
        caption = note["caption"].split("$")[0]
        text = cell.locator(".jp-RenderedMarkdown").first
        text.wait_for(timeout=20_000)
        assert text.inner_text().startswith(f"Figure. {caption}".strip())


def test_published_numbers_are_hidden_and_quoted(tab: Any) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for position, cell in enumerate(notebook.cells):
        if "publish(" in cell.source and cell.cell_type == "code":
            seen = shown_cell(tab, position).locator(".jp-OutputArea-output")
            assert "minigpt.numbers" not in " ".join(seen.all_inner_texts())
        if "<!-- n:" in cell.source:
            assert "<!--" not in shown_cell(tab, position).inner_text()


def test_listings_are_code(tab: Any) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for position, cell in enumerate(notebook.cells):
        if cell.source.startswith("show_source("):
            listing = shown_cell(tab, position).locator(".jp-RenderedMarkdown pre code")
            listing.first.wait_for(timeout=20_000)


def test_nothing_was_asked_of_another_host(tab: Any) -> None:
    assert tab.asked == []
