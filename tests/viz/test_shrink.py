"""Shrunk JavaScript is the same program: compared token by token, and by Node."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from minigpt_edu.viz import bundle
from minigpt_edu.viz.shrink import shrink, tokens

MODULES = sorted(bundle.JS.rglob("*.js"))

CASES = {
    "a = 1; // one\nb = 2; /* two\n lines */ c": "a=1;b=2;c",
    "x = `a  ${ b + `c  ${ {d: 1} } // no` }  /* no */`": (
        "x=`a  ${b+`c  ${{d:1}} // no`}  /* no */`"
    ),
    "s = '// no' + \"/* no */\" + 'it\\'s'": "s='// no'+\"/* no */\"+'it\\'s'",
    'r = /[/]"\\/\\/ a/u .test(x)': 'r=/[/]"\\/\\/ a/u.test(x)',
    "return /a  b/": "return/a  b/",
    "x = a / b / c; y = (a) / 2; z = a[0] / 2": "x=a/b/c;y=(a)/2;z=a[0]/2",
    "a / /b/": "a/ /b/",
    "`${ /[`]/.test(x) }` / 2": "`${/[`]/.test(x)}`/2",
    "i++ / 2": "i++/2",
    "a + +b - -c; a++ + ++b": "a+ +b- -c;a++ + ++b",
    "a = b\n++c": "a=b\n++c",
    "return\nx": "return\nx",
    "f(a,\n  b)\n  .then(c)": "f(a,b).then(c)",
    "class A { #p = 1; get  p() { return this.#p; } }": (
        "class A{#p=1;get p(){return this.#p;}}"
    ),
    "1 .toString()": "1 .toString()",
    "a < !--b; c-- > 0": "a< !--b;c-- >0",
    "x => x\n`t`": "x=>x\n`t`",
    "a\n/* c */ b": "a\nb",
    "const é = '\u2028'": "const é='\u2028'",
}


@pytest.mark.parametrize("source", CASES)
def test_what_is_left(source: str) -> None:
    assert shrink(source) == CASES[source]


@pytest.mark.parametrize("source", CASES)
def test_shrinking_twice_changes_nothing_more(source: str) -> None:
    assert shrink(shrink(source)) == shrink(source)


def meaning(source: str) -> list[tuple[str, str]]:
    blank = ("blank", "newline", "comment")
    return [(kind, text) for kind, text in tokens(source) if kind not in blank]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.name)
def test_a_module_keeps_its_tokens_and_loses_its_comments(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert "".join(text for _, text in tokens(source)) == source
    small = shrink(source)
    assert meaning(small) == meaning(source)
    assert not any(kind == "comment" for kind, _ in tokens(small))
    assert len(small) < len(source)


def test_node_reads_every_shrunk_module(node: str, tmp_path: Path) -> None:
    """One process for all: each file is parsed and none is run."""
    names = []
    for number, path in enumerate(MODULES):
        small = tmp_path / f"{number}_{path.stem}.mjs"
        small.write_text(shrink(path.read_text(encoding="utf-8")), encoding="utf-8")
        names.append(small.name)
    script = (
        "import { SourceTextModule } from 'node:vm'; import fs from 'node:fs';"
        f"for (const name of {names!r})"
        "new SourceTextModule(fs.readFileSync(name, 'utf8'), { identifier: name });"
    )
    done = subprocess.run(
        [node, "--experimental-vm-modules", "--no-warnings", "--input-type=module"],
        input=script,
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr


BROKEN = {
    "a = 'open\nb": "line 1",
    'a\nb = "open': "line 2",
    "a\n\n/* open": "line 3",
    "`open": "line 1",
    "`open ${ a ": "does not end",
}


@pytest.mark.parametrize("source", BROKEN)
def test_what_does_not_end_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match=BROKEN[source]):
        shrink(source)
