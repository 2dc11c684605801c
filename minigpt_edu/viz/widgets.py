"""The figure as a widget: drawn by JavaScript, answered by torch. Needs Jupyter.

The only module that imports a widget library, so nothing imports it before a figure is
shown live. What is drawn is the page's business, what is computed the source's; this
carries questions to one and answers to the other.

    figure = Figure(views.heads("The old boat came home at night."))
    show(figure, label="fig-heads", caption="All heads.", alt="Twenty small patterns.")
    figure.selection                        # what the reader has chosen since

anywidget: https://anywidget.dev/en/afm/
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from ..checkpoint import save_checkpoint
from ..model.gpt import GPT
from ..text.tokenizer import Tokenizer
from .bundle import bundle_css, lab_bundle
from .output import VIEW
from .page import OWN, standalone
from .source import TorchSource, shipped_source
from .views import View

__all__ = ["Figure"]


@cache
def _script(kind: str) -> str:
    return lab_bundle(kind)


@cache
def _style() -> str:
    return bundle_css()


class Figure(anywidget.AnyWidget):
    """A figure that lives in a notebook.

    `model` and `tokenizer` are the reader's own, for a view whose checkpoint is None;
    otherwise the shipped checkpoint that it names answers, loaded once for all figures.
    """

    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)
    kind = traitlets.Unicode().tag(sync=True)
    config = traitlets.Dict().tag(sync=True)
    selection = traitlets.Dict().tag(sync=True)
    status = traitlets.Unicode("loading").tag(sync=True)

    def __init__(
        self,
        view: View,
        *,
        model: GPT | None = None,
        tokenizer: Tokenizer | None = None,
    ) -> None:
        if (model is None) != (tokenizer is None):
            raise ValueError("a model and its tokenizer go together: pass both or none")
        checkpoint = view.config.get("checkpoint")
        if checkpoint is not None and model is not None:
            raise ValueError(
                f"the view shows the checkpoint {checkpoint!r} and not the model that "
                "was passed: make it with checkpoint=None"
            )
        if "checkpoint" in view.config and checkpoint is None and model is None:
            raise ValueError("a view with checkpoint=None needs model= and tokenizer=")
        self.view = view
        self._own = None
        if model is not None and tokenizer is not None:
            self._own = TorchSource(model, tokenizer, name="your model")
        asked = view.to_json()
        super().__init__(
            _esm=_script(view.kind),
            _css=_style(),
            kind=view.kind,
            config=asked["config"],
        )
        self.on_msg(self._heard)

    @property
    def source(self) -> TorchSource | None:
        """Who answers; None for a figure without a model."""
        if self._own is not None or self.view.config.get("checkpoint") is None:
            return self._own
        return shipped_source(self.view.config["checkpoint"])

    def _heard(self, _figure: Any, content: Any, _buffers: Any) -> None:
        """Answer one question. Whatever goes wrong becomes a sentence in the figure."""
        number = content.get("id") if isinstance(content, Mapping) else None
        if number is None:
            return
        try:
            source = self.source
            if source is None:
                raise ValueError("this figure has no model to ask")
            answer = source.answer(content["method"], content.get("args") or {})
        except Exception as error:  # a traceback in the log would help nobody
            self.send({"id": number, "error": _sentence(error)})
        else:
            self.send({"id": number, "result": answer.result()}, answer.buffers())

    def __repr__(self) -> str:
        return f"Figure({self.view.explain()})"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict, dict]:
        """The live view, and for pages without a kernel what was asked."""
        made: Any = super()._repr_mimebundle_(**kwargs)
        data, metadata = made if isinstance(made, tuple) else (made or {}, {})
        return {**data, VIEW: self.view.to_json()}, metadata

    def to_html(self, title: str | None = None) -> str:
        """A page with this figure, its script and its weights inside."""
        title = title or self.view.explain()
        if self._own is None:
            return standalone(self.view, title=title)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"{OWN}.safetensors"
            self.save_own_model(file)
            return standalone(self.view, title=title, model=file)

    def save_own_model(self, path: Path) -> None:
        """Write the model that was passed, if one was, as a checkpoint."""
        if self._own is not None:
            save_checkpoint(path, self._own.model, tokenizer=self._own.tokenizer)


def _sentence(error: Exception) -> str:
    """What a reader should read; the kind of an error only when it was not foreseen."""
    text = str(error)
    if isinstance(error, ValueError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
