"""Vocabulary and the text encoder."""

from __future__ import annotations

import torch
from torch.testing import assert_close

from robokiln.policy.text import TextEncoder
from robokiln.policy.words import MAX_WORDS, PAD, UNKNOWN, Vocabulary

PUT = "Put the red ball into the blue bowl."


def test_words_are_lower_case_and_known_by_their_place() -> None:
    vocabulary = Vocabulary.of([PUT, "the ball"])
    assert vocabulary.words == ("ball", "blue", "bowl", "into", "put", "red", "the")
    tokens = vocabulary.encode(["the RED banana!", "", "the " * 99])
    assert tokens[0, :4].tolist() == [8, 7, UNKNOWN, PAD]
    assert tokens[1].tolist() == [PAD] * MAX_WORDS
    assert (tokens[2] == 8).all()


def test_the_order_of_words_matters_and_the_batch_does_not() -> None:
    vocabulary = Vocabulary.of([PUT])
    torch.manual_seed(0)
    encoder = TextEncoder(len(vocabulary.words)).eval()
    texts = [PUT, "put the blue bowl into the red ball", "red", ""]
    together = encoder(torch.from_numpy(vocabulary.encode(texts)))
    assert together.isfinite().all()
    assert (together[0] - together[1]).abs().max() > 1e-3
    for text, expected in zip(texts, together, strict=True):
        alone = encoder(torch.from_numpy(vocabulary.encode([text])))[0]
        assert_close(alone, expected, atol=1e-5, rtol=0)


def test_no_words_and_unknown_ones_mean_nothing() -> None:
    vocabulary = Vocabulary.of([PUT])
    encoder = TextEncoder(len(vocabulary.words)).eval()
    read = encoder(torch.from_numpy(vocabulary.encode(["", "quux frob", PUT])))
    assert not read[:2].any()
    assert read[2].any()
