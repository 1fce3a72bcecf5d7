"""Noun phrases for a body, which mean it and nothing else in its scene."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from robokiln.geometry import quat_to_matrix
from robokiln.scene.language.meaning import (
    CLEAR,
    beside,
    closeness,
    meant,
    nameable,
    scores,
)
from robokiln.scene.language.words import (
    COMPARATIVES,
    DISTANCES,
    NOUNS,
    QUANTITY,
    SIDES,
    Phrase,
)
from robokiln.scene.refused import SceneRefused
from robokiln.types import Array, Body, SceneSpec, lookup

HIGH = frozenset({"drawer", "door"})
"""Kinds that lie above or beside each other in a piece of furniture: "top drawer", "left door".
Nobody calls them large or small."""
UPRIGHT = frozenset({"cylinder", "bottle", "can", "cup", "mug", "prism", "peg"})
"""Kinds that are tall or short; an upright axis is within 18 degrees of the vertical."""


def describe(
    spec: SceneSpec,
    name: str,
    rng: np.random.Generator,
    rich: bool,
    nouns: Mapping[str, tuple[str, ...]] | None = None,
) -> str:
    """A noun phrase without article that denotes the body, and no other.

    Plain phrases are colour and standard noun, and more only where it takes more to be clear; `rng`
    is not used. Rich ones are drawn from all forms that are clear: first which form, then which
    phrase of it. `nouns` stand in for those of NOUNS. Raises SceneRefused.
    """
    body = spec.bodies[spec.index(name)]
    words: tuple[str, ...] = lookup("noun of shape", body.shape.kind, {**NOUNS, **(nouns or {})})
    speaker = _Speaker(body, nameable(spec), words if rich else words[:1])
    if not rich:
        for form in FORMS.values():
            for phrase in form(speaker):
                return str(phrase)
    else:
        found = [phrases for form in FORMS.values() if (phrases := list(form(speaker)))]
        if found:
            phrases = found[int(rng.integers(len(found)))]
            return str(phrases[int(rng.integers(len(phrases)))])
    raise SceneRefused(f"language: no words tell the {body.color or 'only'} {words[0]} apart")


@dataclass(frozen=True)
class _Speaker:
    """What is to be named, all that has a name, and its nouns."""

    body: Body
    bodies: tuple[Body, ...]
    nouns: tuple[str, ...]

    def is_clear(self, phrase: Phrase) -> bool:
        """Whether nothing else could be meant."""
        return meant(phrase, self.bodies) == (self.body,)

    def simple(self) -> Iterator[Phrase]:
        """Colour and noun, and the noun alone."""
        for color in dict.fromkeys((self.body.color, "")):
            yield from (Phrase(noun, color) for noun in self.nouns)

    def lacking(self) -> Iterator[tuple[Phrase, tuple[Body, ...]]]:
        """Phrases to which words may be added, and all that they could mean so far.

        A colour that tells the body apart needs no more words: those go without it.
        """
        for phrase in self.simple():
            if not (phrase.color and self.is_clear(phrase)):
                yield phrase, meant(phrase, self.bodies)


def _plain(speaker: _Speaker) -> Iterator[Phrase]:
    yield from filter(speaker.is_clear, speaker.simple())


def _sized(speaker: _Speaker) -> Iterator[Phrase]:
    words = [w for w, (quantity, _) in QUANTITY.items() if quantity in ("volume", "height")]
    if speaker.body.shape.kind not in HIGH:
        yield from _modified(speaker, words)


def _placed(speaker: _Speaker) -> Iterator[Phrase]:
    high = speaker.body.shape.kind in HIGH
    places = ("left", "right", "top", "bottom", "middle") if high else ("leftmost", "rightmost")
    yield from _modified(speaker, places)
    yield from _at_distance(speaker, None, None)


def _modified(speaker: _Speaker, words: Sequence[str]) -> Iterator[Phrase]:
    for phrase, group in speaker.lacking():
        for word in words:
            said = replace(phrase, modifier=word)
            if _applies(word, group) and _stands_out(speaker.body, group, word):
                yield from filter(speaker.is_clear, (said,))


def _applies(word: str, group: Sequence[Body]) -> bool:
    """Whether English says this word of one among so many, and of things like these."""
    if QUANTITY[word][0] == "height" and not all(_is_upright(b) for b in group):
        return False
    if word in COMPARATIVES:
        return len(group) == 2
    extreme = word.endswith("est") or word == "middle"
    return len(group) >= (3 if extreme else 2)


def _is_upright(body: Body) -> bool:
    axis = quat_to_matrix(np.array(body.pose[3:]))[2, 2]
    return body.shape.kind in UPRIGHT and bool(axis > 0.95)


def _stands_out(body: Body, group: Sequence[Body], word: str) -> bool:
    return body in group and _leads(body, group, scores(word, group), QUANTITY[word][0])


def _leads(body: Body, group: Sequence[Body], fit: Array, quantity: str) -> bool:
    """Whether the body's score is above all others of its group by a clear margin."""
    others = np.delete(fit, group.index(body))
    return bool(fit[group.index(body)] >= others.max(initial=-np.inf) + CLEAR.gap(quantity))


def _beside(speaker: _Speaker) -> Iterator[Phrase]:
    marks = [(b, p) for b in speaker.bodies if b != speaker.body for p in _landmark(speaker, b)]
    for landmark, words in marks:
        for relation in SIDES:
            if beside(relation, speaker.body, landmark, CLEAR):
                for phrase, _ in speaker.lacking():
                    said = replace(phrase, relation=relation, landmark=words)
                    yield from filter(speaker.is_clear, (said,))
        yield from _at_distance(speaker, landmark, words)


def _landmark(speaker: _Speaker, body: Body) -> Iterator[Phrase]:
    """The plainest phrase that means the landmark alone in the whole scene, if there is one."""
    other = _Speaker(body, speaker.bodies, NOUNS.get(body.shape.kind, ())[:1])
    yield from list(_plain(other))[:1]


def _at_distance(
    speaker: _Speaker, landmark: Body | None, words: Phrase | None
) -> Iterator[Phrase]:
    for phrase, found in speaker.lacking():
        group = [b for b in found if b != landmark]
        for relation in DISTANCES if len(group) > 1 else ():
            fit = closeness(relation, group, landmark)
            said = replace(phrase, relation=relation, landmark=words)
            if speaker.body in group and _leads(speaker.body, group, fit, "distance"):
                yield from filter(speaker.is_clear, (said,))


FORMS: dict[str, Callable[[_Speaker], Iterator[Phrase]]] = {
    "plain": _plain,
    "size": _sized,
    "place": _placed,
    "relation": _beside,
}
"""How a body may be told apart, the plainest way first."""
