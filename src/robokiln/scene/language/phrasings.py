"""Instructions: templates to put noun phrases in, and what an instruction says of a scene."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from robokiln.scene.language.meaning import denotes
from robokiln.scene.language.words import NOUN_WORDS, plural
from robokiln.types import RobokilnError, SceneSpec

MANY = ("objects", "things", *(plural(noun) for noun in NOUN_WORDS if " " not in noun))
LITERALS: dict[str, tuple[str, ...]] = {
    "into": ("into", "onto"),
    "objects": MANY,
    "containers": ("containers", *MANY),
}
"""Placeholders that take one of these words; the others take a noun phrase for one body."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Phrasings:
    """Templates of one task's instructions, such as "put the {target} {into} the {goal}".

    The held-out ones are for evaluation: no demonstration is given in their words.
    """

    seen: tuple[str, ...]
    held_out: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.seen or not self.held_out:
            raise RobokilnError("phrasings: expected at least one seen and one held-out template")
        if twice := {t for t in self.all if self.all.count(t) > 1}:
            raise RobokilnError(f"phrasings: '{min(twice)}' is there twice")
        expected = set(_PLACEHOLDER.findall(self.seen[0]))
        for template in self.all:
            found = set(_PLACEHOLDER.findall(template))
            if found != expected or not found:
                raise RobokilnError(
                    f"phrasings: '{template}' has the placeholders {sorted(found)}; "
                    f"expected those of '{self.seen[0]}': {sorted(expected)}"
                )

    @property
    def all(self) -> tuple[str, ...]:
        """Seen and then held-out templates."""
        return self.seen + self.held_out

    def choose(self, rng: np.random.Generator, held_out: bool = False) -> str:
        """One of the seen or of the held-out templates, all equally likely."""
        templates = self.held_out if held_out else self.seen
        return templates[int(rng.integers(len(templates)))]


def understood(text: str, phrasings: Phrasings, spec: SceneSpec) -> dict[str, tuple[str, ...]]:
    """Placeholder -> all bodies that the instruction could name there, whichever way it is read.

    Raises RobokilnError if it is in none of the phrasings.
    """
    found: dict[str, set[str]] = {}
    fits = False
    for template in phrasings.all:
        for reading in _readings(tuple(_words(template)), tuple(_words(text)), {}):
            try:
                named = {k: denotes(v, spec) for k, v in reading.items() if k not in LITERALS}
            except RobokilnError:
                continue  # split at the wrong word, as "in front of" at "in"
            fits = True
            for placeholder, names in named.items():
                found.setdefault(placeholder, set()).update(names)
    if not fits:
        raise RobokilnError(
            f"language: '{text}' is in none of the phrasings: {'; '.join(phrasings.all)}"
        )
    order = [b.name for b in spec.bodies]
    return {k: tuple(sorted(names, key=order.index)) for k, names in found.items()}


def _words(text: str) -> list[str]:
    return re.sub(r"[,.;:!?]", " ", text.lower()).split()


def _readings(
    template: tuple[str, ...], words: tuple[str, ...], bound: Mapping[str, str]
) -> Iterator[dict[str, str]]:
    """All ways to fill the template that give these words."""
    if not template:
        if not words:
            yield dict(bound)
        return
    placeholder = _PLACEHOLDER.fullmatch(template[0])
    if placeholder is None:
        if words and words[0] == template[0]:
            yield from _readings(template[1:], words[1:], bound)
        return
    name = placeholder[1]
    for n in range(1, len(words) + 1):
        said = " ".join(words[:n])
        if bound.get(name, said) == said and said in LITERALS.get(name, (said,)):
            yield from _readings(template[1:], words[n:], {**bound, name: said})
