"""Instructions: a vocabulary of words, and a small encoder that finds the two roles in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from robokiln.types import Array

PAD, UNKNOWN = 0, 1
MAX_WORDS = 32
ROLES = 2
"""The target and the goal, in this order everywhere."""


def words_of(instruction: str) -> list[str]:
    """Lower-case words without punctuation."""
    return re.findall(r"[a-z0-9']+", instruction.lower())


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


class TextEncoder(nn.Module):
    """Tokens [B, L] -> one vector for each role [B, ROLES, width].

    Attention between words tells which noun is the target and which the goal, since phrasings
    order them differently; each role then sums the words that it attends to, not what the layers
    made of them: "red" means the same in every sentence, also in one that was never trained on.
    """

    def __init__(self, words: int, width: int = 64, layers: int = 2) -> None:
        super().__init__()
        self.word = nn.Embedding(words + 2, width)
        self.place = nn.Parameter(torch.randn(MAX_WORDS, width) * 0.1)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, 4, 2 * width, dropout=0.0, batch_first=True, norm_first=True
            )
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        self.role = nn.Linear(width, ROLES)
        with torch.no_grad():
            # Never trained, so it must say nothing rather than something random.
            self.word.weight[UNKNOWN].zero_()

    def forward(self, tokens: Tensor) -> Tensor:
        # An empty instruction still has one place to attend to.
        length = max(int((tokens != PAD).sum(1).max()), 1)
        tokens = tokens[:, :length]
        padding = tokens == PAD
        padding[:, 0] = False
        meanings = self.word(tokens)
        x = meanings + self.place[:length]
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=padding)
        weights = self.role(self.norm(x)).masked_fill(padding[..., None], -torch.inf).softmax(1)
        read: Tensor = weights.transpose(1, 2) @ meanings
        return read
