"""Texts to the word pieces of BERT (Devlin et al., 2019), as its uncased tokenizer cuts them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from robokiln.types import RobokilnError

FIRST, LAST, UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
INSIDE = "##"
"""Before a piece that continues a word."""
LONGEST_WORD = 100
"""Longer words are unknown ones."""


class WordPiece:
    """Cuts words into the longest known pieces; a piece's number is its place in the vocabulary."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self._numbers = {piece: number for number, piece in enumerate(vocabulary)}
        for special in (FIRST, LAST, UNKNOWN):
            if special not in self._numbers:
                raise RobokilnError(f"WordPiece: the vocabulary lacks '{special}'")

    def encode(self, text: str, most: int) -> list[int]:
        """Numbers of the text's pieces between FIRST and LAST, at most so many in all."""
        pieces = [piece for word in split(text) for piece in self.cut(word)]
        return [self._numbers[piece] for piece in (FIRST, *pieces[: most - 2], LAST)]

    def cut(self, word: str) -> list[str]:
        """The word's pieces, or UNKNOWN alone where they don't make up all of it."""
        pieces: list[str] = []
        rest = word
        while rest:
            start = INSIDE if pieces else ""
            ends = range(len(rest), 0, -1)
            end = next((n for n in ends if start + rest[:n] in self._numbers), None)
            if end is None or len(word) > LONGEST_WORD:
                return [UNKNOWN]
            pieces.append(start + rest[:end])
            rest = rest[end:]
        return pieces


def split(text: str) -> list[str]:
    """Lower-case words without accents; each punctuation mark and ideograph is one of its own."""
    return "".join(_spaced(c) for c in unicodedata.normalize("NFD", text).lower()).split(" ")


def _spaced(c: str) -> str:
    kind = unicodedata.category(c)
    if c in "\t\n\r" or kind[0] == "Z":
        return " "
    if kind == "Mn" or kind[0] == "C" or c == "\ufffd":
        return ""
    ascii_mark = c.isascii() and not c.isalnum()
    return f" {c} " if ascii_mark or kind[0] == "P" or _is_ideograph(c) else c


def _is_ideograph(c: str) -> bool:
    return unicodedata.name(c, "").startswith("CJK ") and unicodedata.category(c) == "Lo"
