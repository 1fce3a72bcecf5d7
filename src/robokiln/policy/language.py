"""How a policy takes instructions: words learned from scratch, or a frozen sentence encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from torch import nn

from robokiln.policy.minilm import SentenceEncoder, find, fingerprint
from robokiln.policy.spec import PolicySpec
from robokiln.policy.text import SentenceReader, TextEncoder
from robokiln.types import Array, lookup


class Encoder(Protocol):
    """What is not trained: instructions -> `Inputs.tokens`, each row of its text alone."""

    def encode(self, instructions: Sequence[str]) -> Array: ...


def make_encoder(spec: PolicySpec) -> Encoder:
    """The policy's, or an error: it is not installed, or not the one of its training."""
    makers: dict[str, Callable[[], Encoder]] = {
        "words": lambda: spec.vocabulary,
        "minilm": lambda: SentenceEncoder(spec.encoder_sha256),
    }
    make: Callable[[], Encoder] = lookup("language", spec.language, makers)
    return make()


def make_reader(spec: PolicySpec, width: int) -> nn.Module:
    """What is trained: `Inputs.tokens` -> a vector for each role and one for the task."""
    makers: dict[str, Callable[[], nn.Module]] = {
        "words": lambda: TextEncoder(len(spec.vocabulary.words), width),
        "minilm": lambda: SentenceReader(width),
    }
    make: Callable[[], nn.Module] = lookup("language", spec.language, makers)
    return make()


def encoder_hash(language: str) -> str:
    """The fingerprint of the files that the language needs, empty where it needs none; an error
    where they are not installed."""
    return fingerprint(find()) if language == "minilm" else ""
