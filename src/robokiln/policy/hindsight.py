"""What else could have been said of a scene: labels for pointing from the same pictures.

A demonstration names some things, but the simulator knows where all of them are. Naming others
instead (as hindsight relabelling does with goals, Andrychowicz et al., 2017) gives the same frames
many more instructions to ground. Their actions are unknown, so only pointing and placing learn from
them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from robokiln.policy.roles import ROLES, roles_of, stand_of
from robokiln.types import Array, SceneSpec

LACKING = -1
"""In place of a body's index: there is none."""


@dataclass(frozen=True)
class Alternative:
    """Another instruction for an episode, and for each role how the named thing stands [6] (see
    `stand_of`), or which of the episode's own roles it has (those move), or None where nothing is
    named; and the index of its body, or None, or LACKING where nothing in the scene is what the
    words say."""

    instruction: str
    stands: tuple[tuple[float, ...] | int | None, ...]
    bodies: tuple[int | None, ...]

    def instead(self, own: Array) -> Array:
        """The bodies that its roles are [R], given the episode's own [R]."""
        found = [mine if b is None else b for b, mine in zip(self.bodies, own, strict=True)]
        return np.array(found, np.int64)


def alternatives(
    specs: Sequence[SceneSpec], instructions: Sequence[str]
) -> tuple[tuple[Alternative, ...], ...]:
    """Those of each episode."""
    nouns = _nouns(specs, instructions)
    return tuple(_of(s, t, nouns) for s, t in zip(specs, instructions, strict=True))


def lacking(
    specs: Sequence[SceneSpec], instructions: Sequence[str]
) -> tuple[tuple[Alternative, ...], ...]:
    """Instructions for each episode that name something that is not there: one of its things in a
    color that none of them has."""
    colors = sorted({body.color for spec in specs for body in spec.bodies if body.color})
    return tuple(tuple(_lacking(s, t, colors)) for s, t in zip(specs, instructions, strict=True))


def _lacking(spec: SceneSpec, text: str, colors: Sequence[str]) -> Iterator[Alternative]:
    roles = {role: index for role, index in roles_of(spec).items() if spec.bodies[index].color}
    if not _all_named(text, spec, roles.values()):
        return
    present = {body.color for body in spec.bodies}
    for index in dict.fromkeys(roles.values()):
        gone = [LACKING if roles.get(role) == index else None for role in ROLES]
        for color in colors:
            if color not in present:
                said = re.sub(rf"\b{spec.bodies[index].color}\b", color, text)
                yield Alternative(said, (None,) * len(ROLES), tuple(gone))


def stands_instead(alternative: Alternative, own: Array) -> Array:
    """How the alternative's roles stand [R, 6], given the episode's own now [R, 6]."""
    found = own.copy()
    for i, stand in enumerate(alternative.stands):
        if stand is not None:
            found[i] = own[stand] if isinstance(stand, int) else stand
    return found


def _nouns(
    specs: Iterable[SceneSpec], instructions: Iterable[str]
) -> dict[tuple[str, str, str], str]:
    """(task, role, kind of shape) -> the word that instructions use for it, as these data show."""
    found: dict[tuple[str, str, str], str] = {}
    for spec, text in zip(specs, instructions, strict=True):
        for role, index in roles_of(spec).items():
            body = spec.bodies[index]
            said = re.search(rf"\b{body.color} (\w+)", text) if body.color else None
            if said:
                found[spec.task, role, body.shape.kind] = said[1]
    return found


def _of(
    spec: SceneSpec, text: str, nouns: Mapping[tuple[str, str, str], str]
) -> tuple[Alternative, ...]:
    own = {role: index for role, index in roles_of(spec).items() if spec.bodies[index].color}
    if not _all_named(text, spec, own.values()):
        return ()
    # A lifted body is target and goal in one, so it is replaced in both.
    bodies = list(dict.fromkeys(own.values()))
    first = {index: next(r for r, i in own.items() if i == index) for index in bodies}
    choices = [i for i, body in enumerate(spec.bodies) if body.color]
    made = []
    for chosen in permutations(choices, len(bodies)):
        words, fits = {}, True
        for index, other in zip(bodies, chosen, strict=True):
            body = spec.bodies[other]
            noun = nouns.get((spec.task, first[index], body.shape.kind))
            fits = fits and noun is not None
            words[spec.bodies[index].color] = f"{body.color} {noun}"
        said = _rename(text, words) if fits else text
        if said != text:
            instead = dict(zip(bodies, chosen, strict=True))
            made.append(Alternative(said, *_things(spec, own, instead)))
    return tuple(made)


def _things(
    spec: SceneSpec, own: Mapping[str, int], instead: Mapping[int, int]
) -> tuple[tuple[tuple[float, ...] | int | None, ...], tuple[int | None, ...]]:
    """The stands and the bodies of an Alternative."""
    bodies: list[int | None] = [None] * len(ROLES)
    moving = {index: ROLES.index(role) for role, index in own.items()}
    stands: list[tuple[float, ...] | int | None] = [None] * len(ROLES)
    for role, index in own.items():
        other = instead[index]
        body = spec.bodies[other]
        still = tuple(float(x) for x in stand_of(body, np.array(body.pose)))
        stands[ROLES.index(role)], bodies[ROLES.index(role)] = moving.get(other, still), other
    return tuple(stands), tuple(bodies)


def _all_named(text: str, spec: SceneSpec, bodies: Iterable[int]) -> bool:
    """Whether the text calls these by color, each once, and nothing else: else what it would say of
    others can't be told by renaming."""
    colors = {body.color for body in spec.bodies if body.color}
    said = [word for word in re.findall(r"\w+", text) if word in colors]
    named = {spec.bodies[i].color for i in bodies}
    return bool(named) and len(said) == len(named) and set(said) == named


def _rename(text: str, names: Mapping[str, str]) -> str:
    """Each "color noun" whose color is a key of `names` becomes its value."""
    return re.sub(rf"\b({'|'.join(names)}) \w+", lambda found: names[found[1]], text)
