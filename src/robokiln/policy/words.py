"""Words of instructions, as every part of a policy tells them apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from robokiln.deploy import words_of
from robokiln.types import Array

PAD, UNKNOWN = 0, 1
MAX_WORDS = 32


@dataclass(frozen=True)
class Vocabulary:
    """Known words; a word's token is its place plus 2, after padding and the unknown word."""

    words: tuple[str, ...]

    @classmethod
    def of(cls, instructions: Iterable[str]) -> Vocabulary:
        """Every word of the instructions, sorted."""
        return cls(tuple(sorted({word for text in instructions for word in words_of(text)})))

    @cached_property
    def _tokens(self) -> dict[str, int]:
        return {word: token for token, word in enumerate(self.words, start=2)}

    def encode(self, instructions: Sequence[str]) -> Array:
        """Tokens int64 [B, MAX_WORDS], padded; words past MAX_WORDS are dropped."""
        tokens = np.full((len(instructions), MAX_WORDS), PAD, np.int64)
        for row, text in zip(tokens, instructions, strict=True):
            found = [self._tokens.get(word, UNKNOWN) for word in words_of(text)[:MAX_WORDS]]
            row[: len(found)] = found
        return tokens
