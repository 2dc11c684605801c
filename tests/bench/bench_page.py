"""How fast figures are in a browser, on a page that was opened from the disk.

    python -m tests.bench page

Two pages: one that runs the engine alone on the shipped model, and one with a real
figure into which a text is typed. Sizes of the scripts are printed too. Nothing is
asserted: speeds are for people.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from minigpt_edu.shipped import shipped_tokenizer
from minigpt_edu.viz import views
from minigpt_edu.viz.bundle import (
    bundle_css,
    drawn_kinds,
    page_bundle,
    tied,
    view_bundle,
)
from minigpt_edu.viz.page import figure_html, model_script

HERE = Path(__file__).parent
TEXT = (
    "The old boat came home at night and the sea was calm. In the morning the "
    "children ran to the harbour to see what it had brought from the islands, and "
    "their old grandmother told them all"
)
TYPED = """async ([figure, text]) => {
  const field = figure.querySelector("input[type=text]");
  const frame = figure.querySelector(".mg-frame");
  const start = performance.now();
  field.value = text;
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  while (frame.classList.contains("mg-busy")) {
    await new Promise((drawn) => requestAnimationFrame(drawn));
  }
  return performance.now() - start;
}"""


def sizes() -> dict[str, int]:
    """Bytes of what pages load, before a server compresses it."""
    scripts = {f"figure {kind}": view_bundle(kind) for kind in drawn_kinds()}
    scripts = {"all figures share": page_bundle(), "style": bundle_css(), **scripts}
    found = {name: len(text.encode()) for name, text in scripts.items()}
    packed = {name: len(gzip.compress(text.encode())) for name, text in scripts.items()}
    for name, size in found.items():
        print(f"{name:24} {size:8,} bytes, {packed[name]:7,} compressed")
    return found


def write_pages(folder: Path) -> None:
    """The page of the engine alone, and the page with a figure."""
    view = views.attention_steps(TEXT)
    figure = figure_html(view.to_json(), alt="One head, step by step.")
    files = {
        "speed.js": f"(() => {{\n{tied(HERE / 'page_speed.js')}\n}})();",
        "speed.html": '<!DOCTYPE html><title>x</title><script src="speed.js"></script>',
        "minigpt-model-reader.js": model_script("reader"),
        "minigpt-figures.js": page_bundle("attention_steps"),
        "minigpt-figures.css": bundle_css(),
        "figure.html": "<!DOCTYPE html><title>x</title>"
        '<link rel="stylesheet" href="minigpt-figures.css">'
        f'{figure}<script src="minigpt-figures.js"></script>',
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def engine(browser: Any, folder: Path, rounds: int) -> dict[str, Any]:
    """The engine alone: a whole context token by token, and runs of 64 tokens."""
    page = browser.new_page()
    page.goto((folder / "speed.html").as_uri())
    found = page.evaluate(f"pageSpeed({rounds})")
    page.close()
    tokens, times = found["tokens"], found["times"]
    middle = {name: statistics.median(each) for name, each in times.items()}
    speeds = [1000 * tokens / ms for ms in times["oneByOne"]]
    report = {
        "load_ms": found["load"],
        "tokens_per_second": statistics.median(speeds),
        "tokens_per_second_best": max(speeds),
        "run_64_ms": middle["fresh"],
        "run_64_typed_ms": middle["typed"],
    }
    print(f"weights loaded and decoded in {report['load_ms']:.0f} ms")
    print(
        f"{tokens} tokens one by one, logits after each: "
        f"{report['tokens_per_second']:.0f} tokens/s (best {max(speeds):.0f})"
    )
    print(f"a run of 64 tokens with all attention: {report['run_64_ms']:.0f} ms")
    print(f"the same with one token typed: {report['run_64_typed_ms']:.1f} ms")
    return report


def figure(browser: Any, folder: Path, rounds: int) -> dict[str, float]:
    """A figure as a reader has it: until it is there, and after a change."""
    page = browser.new_page(viewport={"width": 1000, "height": 1400})
    page.goto((folder / "figure.html").as_uri())
    place = page.wait_for_selector(":is([data-state=ready], [data-state=error])")
    if place.get_attribute("data-state") == "error":
        raise ValueError(f"the figure says: {place.inner_text()}")
    ready = page.evaluate("performance.now()")
    texts = [f"{TEXT} {word}" for word in ("Then", "So", "Now", "But", "And")]
    times = [
        page.evaluate(TYPED, [place, texts[turn % len(texts)]])
        for turn in range(rounds + 1)
    ][1:]
    page.close()
    report = {"ready_ms": ready, "typed_ms": statistics.median(times)}
    print(f"figure attention_steps ready {ready:.0f} ms after its page was opened")
    tokens = len(shipped_tokenizer().encode(texts[0]))
    print(f"a word typed into {tokens} tokens: drawn in {report['typed_ms']:.0f} ms")
    return report


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Measure and print; what was measured, for the results file."""
    parser = argparse.ArgumentParser(prog="bench page", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args(arguments)
    report: dict[str, Any] = {"bytes": sizes()}
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        print("no browser on the PATH: nothing was measured in one")
        return report
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as name:
        write_pages(Path(name))
        browser = playwright.chromium.launch(
            executable_path=program, headless=True, args=["--no-sandbox"]
        )
        report["engine"] = engine(browser, Path(name), options.rounds)
        report["figure"] = figure(browser, Path(name), options.rounds)
        browser.close()
    return report


if __name__ == "__main__":
    main()
