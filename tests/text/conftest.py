"""Texts that the tests of this folder share: a small corpus, and awkward samples."""

from __future__ import annotations

import pytest

STORY = """\
The old lighthouse had no keeper, but every evening somebody lit the lamp. The children
of the village said it was a ghost; the fishermen said it was the wind. Nobody asked
the goat. "She's the one," said Inês at last, "and she doesn't even know it's dark!"
They'd climbed 199 steps, and they'll climb them again: the goat, the lamp, the sea.

O farol velho não tinha faroleiro, mas toda noite alguém acendia a lâmpada. As crianças
da aldeia diziam que era um fantasma; os pescadores diziam que era o vento. Ninguém
perguntou à cabra. "É ela", disse Inês por fim, "e nem sabe que está escuro!" Subiram
199 degraus, e vão subir outra vez: a cabra, a lâmpada, o mar, a coração aberto.
"""

SAMPLES = [
    "",
    " ",
    "a",
    "The lamp is lit and the sea is calm.",
    "A lâmpada está acesa; não há ninguém à vista.",
    "It's we'll they've I'd I'm can't you're; IT'S WE'LL 'tis ''s 's",
    "d'água, pau-d'arco, l'été: apóstrofos ’s tipográficos",
    "0 1 22 333 4444 3.14159 1,000,000 2026-01-31 ½ ² Ⅷ ٣٤",
    "    four before\n\n\ttab   \n  \r\n end   ",
    "\u00a0no-break\u2003em\u3000ideographic\u2028line\u0085next\u200bzero",
    "\x1cfile\x1dgroup\x1erecord\x1funit\x00nul\x0bvt\x0cff\ufeffbom",
    "def f(x):\n    return {'a': x**2, \"b\": [1, 2]}  # comment_with_underscores\n",
    "日本語の文と中文句子，没有空格。 안녕하세요 세계!",
    "ação e ação: composto e decomposto",
    "👩‍👩‍👧‍👦 🇧🇷 👍🏽 🙂🙂🙂 é❤️!",
    "مرحبا بالعالم שלום עולם नमस्ते दुनिया สวัสดี",
    "<|eos|> <|pad|><|unk|> <| eos |> </s> <s>",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbb abababababab",
    "!!!??? ... --- *** ___ $$$ €£ ©®™ \\ / | ~ ^",
    "\U0010ffff\ue000\ufffd private and last",
]


@pytest.fixture(scope="session")
def story() -> str:
    """Prose in both languages, three kilobytes of it by repetition with changes."""
    return STORY + STORY.replace("lamp", "bell").replace("cabra", "gaivota")


@pytest.fixture(scope="session")
def samples() -> list[str]:
    """Short texts of every awkward kind, and the story."""
    return [*SAMPLES, STORY]
