"""Streams never meet, and the same words give the same numbers."""

import itertools

from robokiln.seeds import Domain, Stream, generator


def test_every_stream_is_its_own() -> None:
    keys = itertools.product(Domain, (0, 1), (0, 1), (0, 1), Stream, (0, 1))
    draws = [generator(*key).random() for key in keys]
    assert len(set(draws)) == len(draws)


def test_the_same_words_give_the_same_numbers() -> None:
    a, b = (generator(Domain.TRAINING, 7, 3, 0, Stream.SCENE).random(5).tolist() for _ in "ab")
    assert a == b
