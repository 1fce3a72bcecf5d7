"""The only source of randomness: one generator for each (domain, seed, slot, attempt, stream)."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Domain(IntEnum):
    """Seed ranges that never meet."""

    TRAINING = 0
    EVALUATION = 1
    ROBUSTNESS = 2


class Stream(IntEnum):
    """What a generator is for; numbers are part of the data's identity and are never reused."""

    SCENE = 0
    INSTRUCTION = 1
    EXPERT = 2
    NOISE = 3
    LOOK = 4
    SENSOR = 5
    POLICY = 6
    BASELINE = 7


def generator(
    domain: Domain, seed: int, slot: int, attempt: int, stream: Stream, index: int = 0
) -> np.random.Generator:
    """A Philox generator; `index` tells looks of one attempt apart."""
    words = [int(domain), seed, slot, attempt, int(stream)] + ([index] if index else [])
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(words)))
