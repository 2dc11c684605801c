"""A browser without a network, and books behind an address of this machine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from minigpt_edu.book.notebooks import tidy
from minigpt_edu.viz import show, views

ROOT = Path(__file__).parents[2]
SENTENCE = "The old boat came home at night."
#: A transparent pixel: the picture that stands there until a figure is drawn.
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mP8/x8AAwMCAO+ip1sAAAAA"
    "SUVORK5CYII="
)

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


class Quiet(SimpleHTTPRequestHandler):
    """A file server that writes no log and does not mind a closed tab."""

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def copyfile(self, source: Any, outputfile: Any) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):
            super().copyfile(source, outputfile)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Chromium with an empty profile."""
    program = next((path for name in NAMES if (path := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"no browser on the PATH; looked for {', '.join(NAMES)}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(tmp_path_factory.mktemp("profile")),
            executable_path=program,
            headless=True,
            args=FLAGS,
            viewport={"width": 1280, "height": 900},
        )
        yield context
        context.close()


def is_local(address: str) -> bool:
    parts = urlsplit(address)
    local = parts.scheme in ("file", "data", "blob", "about")
    return local or parts.hostname == "127.0.0.1"


@contextmanager
def watched(browser: Any) -> Iterator[tuple[Any, list[str]]]:
    """A new tab, and the list of what goes wrong in it."""
    tab, wrong = browser.new_page(), []

    def request(route: Any) -> None:
        address = route.request.url
        if is_local(address):
            route.continue_()
        else:
            wrong.append(f"asks another host: {address}")
            route.abort()

    def console(message: Any) -> None:
        if message.type in ("error", "warning"):
            wrong.append(f"console: {message.text}")

    tab.route("**/*", request)
    tab.on("console", console)
    tab.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    tab.on("requestfailed", lambda r: wrong.append(f"failed: {r.url}"))
    tab.on(
        "response",
        lambda r: (
            wrong.append(f"status {r.status}: {r.url}") if r.status >= 400 else None
        ),
    )
    try:
        yield tab, wrong
    finally:
        tab.close()


@pytest.fixture
def watch(browser: Any) -> Any:
    """``with watch() as (tab, wrong)``: a tab, and what goes wrong in it."""
    return partial(watched, browser)


@pytest.fixture(scope="session")
def serve() -> Iterator[Any]:
    """``serve(folder)`` -> the address under which the folder can be visited."""
    servers = []

    def start(folder: Path) -> str:
        handler = partial(Quiet, directory=str(folder))
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def label_of(kind: str) -> str:
    """The label of the figure of this kind."""
    return f"fig-{kind.replace('_', '-')}"


def figure_cell(view: views.View, kind: str) -> str:
    """A cell of a notebook that shows this view."""
    words = (
        f'label="{label_of(kind)}", caption="Caption of {kind}.", alt="View of {kind}."'
    )
    return f"show(views.{view.explain()}, {words})"


def figure_cells() -> list[str]:
    """One cell for each kind of figure."""
    made = [
        views.make_view(kind, {} if kind == "soft_lookup" else {"prompt": SENTENCE})
        for kind in views.KINDS
    ]
    own = "show(views.heads('a boat', checkpoint=None), label='fig-own', "
    own += "caption='Own.', alt='An own one.')"
    return [*(figure_cell(view, view.kind) for view in made), own]


def as_stored(source: str, number: int) -> Any:
    """The cell with the outputs that `make refresh` would store."""
    shown: list[tuple[dict, dict]] = []
    module = sys.modules["minigpt_edu.viz.show"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "emit", lambda *parts: shown.append(parts))
        exec(source, {"show": show, "views": views})
    outputs = []
    for data, metadata in shown:
        data.pop("application/vnd.jupyter.widget-view+json", None)
        if "minigpt" in metadata and "label" in metadata["minigpt"]:
            data["image/png"] = PIXEL
        outputs.append(new_output("display_data", data=data, metadata=metadata))
    return new_code_cell(source, execution_count=number, outputs=outputs)


@pytest.fixture(scope="session")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built book: figures.html has every kind of figure, plain.html has none."""
    folder = tmp_path_factory.mktemp("figures")
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    del config["logo"], config["html"]["favicon"]
    config["exclude_patterns"].remove("*.md")
    (folder / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    toc = {"format": "jb-book", "root": "plain", "chapters": [{"file": "figures"}]}
    (folder / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf-8")
    (folder / "plain.md").write_text("# Plain\n\nNo figure here.\n")
    cells = [new_markdown_cell("# Figures")]
    cells += [as_stored(cell, n) for n, cell in enumerate(figure_cells(), 1)]
    notebook = nbformat.from_dict(new_notebook(cells=cells))
    tidy(notebook)
    nbformat.write(notebook, folder / "figures.ipynb")
    program = shutil.which("jupyter-book", path=str(Path(sys.executable).parent))
    command = [str(program), "build", str(folder), "-W", "-n", "--keep-going", "-q"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "_build" / "html"


# JupyterLab.

LAB_SECONDS = 90  # until it answers
PANEL = "window.jupyterapp.shell.currentWidget"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_up(address: str, process: subprocess.Popen) -> None:
    end = time.monotonic() + LAB_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, "JupyterLab stopped"
        try:
            urllib.request.urlopen(f"{address}/api", timeout=2).close()
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not answer within {LAB_SECONDS} s")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a JupyterLab of our own, and its empty folder."""
    work, private = tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("private")
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
            yield f"http://127.0.0.1:{port}", work
        finally:
            process.terminate()
            process.wait(30)


class LabTab:
    """A notebook in a JupyterLab; what is not here, the browser's tab does."""

    def __init__(self, tab: Any) -> None:
        self.tab = tab
        self.asked: list[str] = []  # requests to other hosts
        self.errors: list[str] = []
        tab.route("**/*", self._request)
        tab.on("pageerror", lambda error: self.errors.append(str(error)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tab, name)

    def _request(self, route: Any) -> None:
        if is_local(route.request.url):
            route.continue_()
        else:
            self.asked.append(route.request.url)
            route.abort()

    def shown_cell(self, position: int) -> Any:
        """Scroll to a cell: JupyterLab keeps only what is near in the page."""
        self.tab.evaluate(f"n => {PANEL}.content.scrollToItem(n)", position)
        cell = self.tab.locator(f'.jp-Cell[data-windowed-list-index="{position}"]')
        cell.wait_for(timeout=20_000)
        return cell

    def wait_for_kernel(self) -> None:
        self.tab.wait_for_function(
            f"() => {PANEL}?.sessionContext?.session?.kernel?.status === 'idle'",
            timeout=60_000,
        )

    def run_all(self) -> None:
        """Run all cells, to the last."""
        self.wait_for_kernel()
        command = "window.jupyterapp.commands.execute('notebook:run-all-cells')"
        self.tab.evaluate(f"() => {command}")

    def python(self, code: str) -> str:
        """What a line of code prints in the notebook's kernel."""
        return self.tab.evaluate(
            f"""async (code) => {{
                const kernel = {PANEL}.sessionContext.session.kernel;
                const run = kernel.requestExecute({{ code }});
                let out = "";
                run.onIOPub = (message) => {{ out += message.content.text ?? ""; }};
                await run.done;
                return out;
            }}""",
            code,
        )


@pytest.fixture(scope="session")
def open_in_lab(browser: Any, lab: tuple[str, Path]) -> Any:
    """``open_in_lab(path)``: a copy of this notebook, opened."""
    address, work = lab

    def open_copy(notebook: Path) -> LabTab:
        shutil.copy(notebook, work)
        tab = LabTab(browser.new_page())
        tab.goto(f"{address}/lab/tree/{notebook.name}?reset")
        tab.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=60_000)
        return tab

    return open_copy
