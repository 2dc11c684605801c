"""What a reader downloads for each page of the built book, in bytes.

A page has its own part, the HTML and its pictures, and shares the rest with others:
scripts and styles, which a browser keeps, and the models that its figures name, which
are fetched when the first of them comes into view. Nothing is compressed here; a server
may do that. It reads files and starts no browser.

    python -m minigpt_edu.book.weight                  # book/_build/html
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from minigpt_edu.book.audit import local_file, own_files, pages, read_page
from minigpt_edu.viz.page import model_file

__all__ = ["Weight", "main", "weigh"]


@dataclass(frozen=True)
class Weight:
    """The parts of one page, in bytes."""

    page: str
    html: int
    pictures: int
    shared: int
    models: int
    live: int  # figures that compute

    @property
    def own(self) -> int:
        """What no other page needs."""
        return self.html + self.pictures

    def explain(self) -> str:
        """One line of the table."""
        parts = (self.html, self.pictures, self.shared, self.models)
        return (
            "".join(f"{part:>12,}" for part in parts) + f"{self.live:>6}  {self.page}"
        )


def weigh(html: Path) -> list[Weight]:
    """Every page of the book that was built into the folder `html`."""
    found = []
    for name in pages(html):
        page = read_page(html, name)
        text = (html / name).stat().st_size
        own = sum(path.stat().st_size for path in own_files(html, page))
        loads = {local_file(html, name, address) for address in page.loads}
        shared = [path for path in loads if path and path.is_file()]
        shared = [path for path in shared if "_static" in path.parts]
        models = [html / "_static" / model_file(one) for one in page.models]
        found.append(
            Weight(
                page=name,
                html=text,
                pictures=own - text,
                shared=sum(path.stat().st_size for path in shared),
                models=sum(path.stat().st_size for path in models if path.is_file()),
                live=len(page.live),
            )
        )
    return found


def main(arguments: list[str] | None = None) -> int:
    """The command: a table, one line a page; 2 if there is no book."""
    summary = (__doc__ or "").split("\n")[0]
    parser = argparse.ArgumentParser(prog="weight", description=summary)
    parser.add_argument("html", nargs="?", type=Path, default=Path("book/_build/html"))
    folder = parser.parse_args(arguments).html
    weights = weigh(folder) if folder.is_dir() else []
    if not weights:
        print(f"there is no built book in {folder}: make book")
        return 2
    heads = ("HTML", "pictures", "shared", "models")
    print("".join(f"{head:>12}" for head in heads) + f"{'live':>6}  page (bytes)")
    for one in weights:
        print(one.explain())
    return 0


if __name__ == "__main__":
    sys.exit(main())
