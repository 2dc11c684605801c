"""What the page's engine must know of the Python side, written as JavaScript modules.

The table of hook points and the fields of a config have one home, in Python. Their
twins in ``js/core`` are made from it and kept in the repository, so that no build step
stands between a reader and the page; a test makes them again and compares.

    write_modules()          # after a change of HOOKS or GPTConfig

Or, from a shell: ``python -m minigpt_edu.viz.js_schema``.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from ..model.config import CAPS, CHOICES, COUNTS, OPTIONAL_COUNTS, GPTConfig
from ..model.hook_table import hooks_json

__all__ = [
    "CORE",
    "config_module",
    "generated_modules",
    "hooks_module",
    "write_modules",
]

CORE = Path(__file__).parent / "js" / "core"

HOOKS_MODULE = """\
/**
 * The table of hook points: what can be looked at, on which axes, and what it means.
 *
 * Made from HOOKS in minigpt_edu/model/hook_table.py by minigpt_edu/viz/js_schema.py:
 * change it there.
 */

/**
 * @typedef {{{{name: string, axes: string, when: string, meaning: string}}}} HookPoint
 */

/** @type {{HookPoint[]}} */
export const HOOKS = {table};
"""

CONFIG_MODULE = """\
/**
 * The fields of a model's config: their defaults, the choices, and which are numbers.
 *
 * Made from GPTConfig in minigpt_edu/model/config.py by minigpt_edu/viz/js_schema.py:
 * change it there.
 */

/** Every field but vocab_size, which has no default. */
export const CONFIG_DEFAULTS = {defaults};

/** @type {{Record<string, string[]>}} */
export const CONFIG_CHOICES = {choices};

/** Fields that are whole numbers, at least 1; the second row may be null. */
export const CONFIG_COUNTS = {counts};
export const CONFIG_OPTIONAL_COUNTS = {optional};

/** Fields above 0, or null. */
export const CONFIG_CAPS = {caps};
"""


def hooks_module() -> str:
    """The text of ``core/hooks.js``."""
    rows = [f"  {json.dumps(row)}," for row in json.loads(hooks_json())]
    return HOOKS_MODULE.format(table="\n".join(["[", *rows, "]"]))


def config_module() -> str:
    """The text of ``core/config_table.js``."""
    defaults = {f.name: f.default for f in fields(GPTConfig)}
    known = {name: value for name, value in defaults.items() if value is not MISSING}
    return CONFIG_MODULE.format(
        defaults=_literal(known),
        choices=_literal(CHOICES),
        counts=json.dumps(COUNTS),
        optional=json.dumps(OPTIONAL_COUNTS),
        caps=json.dumps(CAPS),
    )


def _literal(values: dict[str, Any]) -> str:
    """A JavaScript object, one field a line."""
    lines = [f"  {name}: {json.dumps(value)}," for name, value in values.items()]
    return "\n".join(["{", *lines, "}"])


def generated_modules() -> dict[Path, str]:
    """Every module that is made here: where it lies, and its text."""
    return {
        CORE / "hooks.js": hooks_module(),
        CORE / "config_table.js": config_module(),
    }


def write_modules() -> list[Path]:
    """Make all of them anew; the files written."""
    modules = generated_modules()
    for path, text in modules.items():
        path.write_text(text, encoding="utf-8", newline="\n")
    return list(modules)


if __name__ == "__main__":
    write_modules()
