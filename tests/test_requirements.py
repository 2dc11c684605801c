"""What the project asks for is what it uses, pinned, and as its README says."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
FILES = ("requirements.txt", "requirements-test.txt")
CODE = [
    path
    for folder in ("minigpt_edu", "tests")
    for path in (ROOT / folder).rglob("*.py")
    if "__pycache__" not in path.parts
] + [ROOT / "conftest.py"]

# Where a program, a plugin or an extension may be named instead of imported.
SETTINGS = ("Makefile", "pyproject.toml", "_config.yml")
# Names under which these are called there, or found in Python, where they differ.
CALLED = {
    "jupyterlab": {"jupyter lab"},
    "ipython": {"IPython"},
    "nbval": {"--nbval"},
    "pytest-xdist": {"--dist"},
    "sphinx-mathjax-offline": {"mathjax"},
    "ipykernel": {"python3"},  # the kernel of that name, for every notebook
    "beautifulsoup4": {"bs4"},
    "PyYAML": {"yaml"},
    "pillow": {"PIL"},
}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def lines(name: str) -> list[str]:
    """The lines of a requirements file, without comments."""
    bare = (line.split("#")[0].strip() for line in read(name).splitlines())
    return [line for line in bare if line]


def required(name: str) -> list[Requirement]:
    return [Requirement(line) for line in lines(name) if not line.startswith("-")]


def pins() -> dict[str, str]:
    return {
        canonicalize_name(r.name): str(r.specifier) for r in required("constraints.txt")
    }


def imported() -> set[str]:
    """Top-level names that the code imports, in the package, tests and notebooks."""
    found = set()
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add((node.module or "").split(".")[0])
    return found


REQUIRED = [(file, r) for file in FILES for r in required(file)]


@pytest.mark.parametrize(("file", "one"), REQUIRED, ids=lambda v: str(v))
def test_each_requirement_is_used(file: str, one: Requirement) -> None:
    names = {one.name, one.name.replace("-", "_")} | CALLED.get(one.name, set())
    settings = " ".join(read(name) for name in SETTINGS)
    named = any(
        re.search(rf"(?<![\w-]){re.escape(n)}(?![\w-])", settings) for n in names
    )
    assert names & imported() or named, f"{file}: nothing uses {one.name}"


@pytest.mark.parametrize(("file", "one"), REQUIRED, ids=lambda v: str(v))
def test_each_requirement_is_pinned_and_agrees(file: str, one: Requirement) -> None:
    assert re.fullmatch(r"==[\w.]+", str(one.specifier)), f"pin {one.name} exactly"
    assert pins()[canonicalize_name(one.name)] == str(one.specifier)


def test_each_import_is_required() -> None:
    known = {r.name for _, r in REQUIRED}
    modules = importlib.metadata.packages_distributions()
    own = {"minigpt_edu", "tests", "conftest", *(path.stem for path in CODE)}
    for name in sorted(imported() - set(sys.stdlib_module_names) - own - {""}):
        homes = {canonicalize_name(home) for home in modules.get(name, [])}
        assert homes & {canonicalize_name(k) for k in known}, (
            f"{name} is imported; put its package into requirements(-test).txt"
        )


def test_readers_need_nothing_of_the_testers() -> None:
    readers = {r.name for r in required("requirements.txt")}
    assert not readers & {r.name for r in required("requirements-test.txt")}


def test_the_files_build_on_each_other() -> None:
    assert lines("requirements.txt")[-1] == "-e ."
    assert "-r requirements.txt" in lines("requirements-test.txt")
    for name in FILES:
        assert "-c constraints.txt" in lines(name)


def needed(names: list[str]) -> set[str]:
    """These distributions and all that they need here, by canonical name."""
    seen: set[str] = set()
    todo = [(name, "") for name in names]
    while todo:
        name, extra = todo.pop()
        seen.add(canonicalize_name(name))
        for text in importlib.metadata.requires(name) or []:
            one = Requirement(text)
            here = one.marker is None or one.marker.evaluate({"extra": extra})
            if here and canonicalize_name(one.name) not in seen:
                todo += [(one.name, extra) for extra in (one.extras or {""})]
    return seen


def test_everything_that_comes_along_is_pinned() -> None:
    everything = needed([r.name for _, r in REQUIRED])
    # PyTorch for graphics cards names the exact versions of its libraries itself.
    loose = everything - set(pins()) - {"torch", "triton", "setuptools"}
    assert {n for n in loose if not n.startswith(("nvidia-", "cuda-"))} == set()


@pytest.mark.parametrize(("file", "one"), REQUIRED, ids=lambda v: str(v))
def test_the_pinned_version_is_the_one_tested(file: str, one: Requirement) -> None:
    assert one.specifier.contains(importlib.metadata.version(one.name))


def test_every_pin_admits_the_oldest_python() -> None:
    """Also the 3.11.2 of Debian 12: a release may ask for a later 3.11."""
    for name, pin in pins().items():
        try:
            known = importlib.metadata.metadata(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # pinned for another system
        if SpecifierSet(pin).contains(known["Version"]) and known["Requires-Python"]:
            assert SpecifierSet(known["Requires-Python"]).contains("3.11.0"), name


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", "book/how_to_use.md", ".ci/run"]
)
def test_commands_that_are_told_of_exist(name: str) -> None:
    said = re.findall(r"^\s*make ([a-z -]+)|`make ([a-z-]+)", read(name), re.MULTILINE)
    told = {word for pair in said for text in pair for word in text.split()}
    assert told
    assert told - targets() == set()


def test_every_command_is_listed_by_help() -> None:
    listed = set(re.findall(r"^([a-z-]+):.*## ", read("Makefile"), re.MULTILINE))
    assert listed == targets() - {"help"} | {"help"}


def test_the_pytorch_of_the_readme_is_the_pinned_one() -> None:
    (torch,) = (r for r in required("requirements.txt") if r.name == "torch")
    versions = re.findall(r"torch(==[\d.]+)", read("README.md"))
    assert set(versions) == {str(torch.specifier)}


def test_files_named_by_the_readme_exist() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", read("README.md") + read("CONTRIBUTING.md"))
    real = [link for link in links if not link.startswith("other.ipynb")]
    assert real
    assert [link for link in real if not (ROOT / link).exists()] == []


def test_the_version_is_said_once() -> None:
    cited = re.search(r"^version: (.+)$", read("CITATION.cff"), re.MULTILINE)
    assert cited is not None
    assert cited[1] == importlib.metadata.version("minigpt_edu")
