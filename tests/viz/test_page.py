"""A figure outside of a notebook: safe words, true weights, nothing from elsewhere."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup

from minigpt_edu.shipped import shipped_model
from minigpt_edu.viz import page, views
from minigpt_edu.viz.page import OWN, figure_html, model_script, standalone

NASTY = "\"><script>alert(1)</script> '&<!-- </script> 🚢 cão\u2028"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the book's own modules: these tests are of what is around them."""
    monkeypatch.setattr(page, "page_bundle", lambda kind: f"run('{kind}</script>');\n")
    monkeypatch.setattr(page, "bundle_css", lambda: ".mg-viz { display: block; }\n")


def figure_in(text: str) -> Any:
    (found,) = BeautifulSoup(text, "html.parser").select("figure.mg-viz")
    return found


@pytest.mark.parametrize("words", ["The old boat", NASTY])
def test_the_element_holds_what_was_asked(words: str) -> None:
    asked = views.heads(words, layer=1).to_json()
    found = figure_in(figure_html(asked, alt=words, picture="a b.png"))
    assert found["data-view"] == "heads"
    assert json.loads(found["data-config"]) == asked["config"]
    assert found["data-state"] == "static"
    assert found["role"] == "group"
    assert found["aria-label"] == words
    assert [child.name for child in found.children] == ["img"]
    assert found.img["src"] == "a b.png"
    assert found.img["alt"] == words


def test_without_a_picture_the_description_is_seen() -> None:
    found = figure_in(figure_html(views.heads("x").to_json(), alt=NASTY))
    assert [child.name for child in found.children] == ["p"]
    assert found.p.text == NASTY


def test_equal_questions_are_equal_elements() -> None:
    one = {"view": "heads", "config": {"a": 1, "b": None}}
    other = {"config": {"b": None, "a": 1}, "view": "heads"}
    assert figure_html(one, alt="x") == figure_html(other, alt="x")


def test_models_scripts_give_back_the_files(node: str, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    other.write_bytes(b"\x00\xff")
    script = model_script("reader") + model_script("a-b", other)
    script += "console.log(JSON.stringify(MiniGPTModels));"
    done = subprocess.run([node], input=script, capture_output=True, encoding="utf-8")
    found = {k: base64.b64decode(v) for k, v in json.loads(done.stdout).items()}
    files = {"reader": shipped_model("reader"), "a-b": other}
    assert found == {name: path.read_bytes() for name, path in files.items()}


def test_a_page_of_its_own_needs_no_other_file() -> None:
    text = standalone(views.heads("The old boat"), title=NASTY)
    soup = BeautifulSoup(text, "html.parser")
    assert soup.title is not None
    assert soup.title.text == NASTY
    assert not re.search(r"<(?:link|iframe)|(?:src|href)=", text)
    model, script = soup.select("script")
    assert "MiniGPTModels" in model.text
    assert script.text == "run('heads<\\/script>');\n"
    assert soup.style is not None
    assert figure_in(text)["data-view"] == "heads"


def test_a_figure_without_a_model_carries_no_weights() -> None:
    text = standalone(views.soft_lookup(), title="A lookup")
    assert "MiniGPTModels" not in text
    assert len(text) < 10_000


def test_a_model_of_one_s_own_goes_along(tmp_path: Path) -> None:
    file = tmp_path / "mine.safetensors"
    file.write_bytes(b"weights")
    view = views.heads("The old boat", checkpoint=None)
    text = standalone(view, title="Mine", model=file)
    assert json.loads(figure_in(text)["data-config"])["checkpoint"] == OWN
    assert base64.b64encode(b"weights").decode() in text
    with pytest.raises(ValueError, match="save it with save_checkpoint"):
        standalone(view, title="Mine")
