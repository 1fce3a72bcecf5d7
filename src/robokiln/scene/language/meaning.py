"""Which bodies of a scene a noun phrase could mean: generously, so that doubt shows as two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from robokiln.assets import footprint, height
from robokiln.scene.language.words import (
    COMPARATIVES,
    CUBE,
    DISTANCES,
    POSITIVES,
    QUANTITY,
    SIDES,
    TAKEN_FOR,
    Phrase,
    kinds_of,
    parse,
)
from robokiln.types import Array, Body, SceneSpec, Shape

CUBE_RATIO = 1.5
"""A box may be called a cube if its longest side is at most so many times its shortest."""
PLAIN = frozenset({"box", "cylinder", "sphere", "capsule"})
"""Kinds that furniture is made of; fixed and without a colour, they go by no such noun."""


@dataclass(frozen=True)
class Margins:
    """How far apart two bodies must be for a word to tell them apart.

    `volume` and `height` are ratios; `aside`, `level` and `distance` are metres; `cone` is the
    angle in degrees between a relation's direction and the line from the landmark.
    """

    volume: float
    height: float
    aside: float
    level: float
    distance: float
    cone: float

    def gap(self, quantity: str) -> float:
        """The least difference of two scores of this quantity."""
        gaps = {
            "volume": np.log(self.volume),
            "height": np.log(self.height),
            "left": self.aside,
            "level": self.level,
            "middle": self.level / 2,
            "distance": self.distance,
        }
        return float(gaps[quantity])


CLEAR = Margins(1.6, 1.3, 0.04, 0.04, 0.03, 45.0)
"""What is said holds by so much."""
DOUBTFUL = Margins(1.3, 1.15, 0.02, 0.02, 0.015, 60.0)
"""What holds by more than this of one body is not thought to be said of another."""


def denotes(phrase: str, spec: SceneSpec) -> tuple[str, ...]:
    """All bodies that the noun phrase could mean, in the spec's order.

    Raises RobokilnError for words that are not known.
    """
    return tuple(body.name for body in meant(parse(phrase), nameable(spec)))


def nameable(spec: SceneSpec) -> tuple[Body, ...]:
    """All bodies but floor, table and the like."""
    return tuple(b for b in spec.bodies if b.mass > 0 or b.color or b.shape.kind not in PLAIN)


def meant(phrase: Phrase, bodies: Sequence[Body]) -> tuple[Body, ...]:
    """All bodies that the phrase could mean."""
    found: list[Body] = []
    for listened in (called(phrase, bodies), heard(phrase, bodies)):
        left = listened
        if phrase.modifier:
            left = _compared(phrase.modifier, left)
        if phrase.relation:
            left = _related(phrase, left, bodies)
        found += left
    return tuple(b for b in bodies if b in found)


def called(phrase: Phrase, bodies: Sequence[Body]) -> list[Body]:
    """The bodies whose noun and colour these are."""
    kinds = kinds_of(phrase.noun)
    return [
        b
        for b in bodies
        if b.shape.kind in kinds
        and phrase.color in ("", b.color)
        and (phrase.noun != CUBE or _is_cube(b.shape))
    ]


def heard(phrase: Phrase, bodies: Sequence[Body]) -> list[Body]:
    """These, kinds that the noun may be taken for, and bodies that may look any colour."""
    exact = called(phrase, bodies)
    also = (*kinds_of(phrase.noun), *TAKEN_FOR.get(phrase.noun, ()))
    return [
        b
        for b in bodies
        if b in exact
        or (
            b.shape.kind in also
            and (phrase.color in ("", b.color) or not b.color)
            and (phrase.noun != CUBE or _is_cube(b.shape))
        )
    ]


def _is_cube(shape: Shape) -> bool:
    return max(shape.size.values()) <= CUBE_RATIO * min(shape.size.values())


def bulk(shape: Shape) -> float:
    """Volume (m3) of a box, and of the upright cylinder round anything else."""
    if shape.kind == "box":
        return shape.size["x"] * shape.size["y"] * shape.size["z"]
    return float(np.pi) * height(shape) * footprint(shape) ** 2


def _middle(bodies: Sequence[Body]) -> Array:
    z = np.array([b.pose[2] for b in bodies])
    return -np.abs(z - (z.min() + z.max()) / 2)


SCORES: dict[str, Callable[[Sequence[Body]], Array]] = {
    "volume": lambda bodies: np.log([bulk(b.shape) for b in bodies]),
    "height": lambda bodies: np.log([height(b.shape) for b in bodies]),
    "left": lambda bodies: np.array([b.pose[1] for b in bodies]),
    "level": lambda bodies: np.array([b.pose[2] for b in bodies]),
    "middle": _middle,
}
"""How much of a quantity each body [N] has."""


def scores(modifier: str, bodies: Sequence[Body]) -> Array:
    """How well the modifier fits each body [N], in the units of `Margins.gap`."""
    quantity, sign = QUANTITY[modifier]
    return SCORES[quantity](bodies) * (1 if sign == "+" else -1)


def closeness(relation: str, bodies: Sequence[Body], landmark: Body | None) -> Array:
    """How well nearest or farthest fits each body [N] (m), in the plane and by centres."""
    centre = np.zeros(2) if landmark is None else np.array(landmark.pose[:2])
    away = np.array([b.pose[:2] for b in bodies]).reshape(-1, 2) - centre
    return -np.linalg.norm(away, axis=1) * DISTANCES[relation]


def beside(relation: str, body: Body, landmark: Body, margins: Margins) -> bool:
    """Whether the body is left of, behind ... the landmark, by at least these margins."""
    away = np.subtract(body.pose[:2], landmark.pose[:2])
    direction = np.array(SIDES[relation])
    along = float(away @ direction)
    across = abs(float(away[0] * direction[1] - away[1] * direction[0]))
    return along >= margins.aside and across <= along * np.tan(np.radians(margins.cone))


def _compared(modifier: str, bodies: list[Body]) -> list[Body]:
    if not bodies or (modifier in COMPARATIVES and len(bodies) != 2):
        return bodies
    fit = scores(modifier, bodies)
    least = fit.max() - DOUBTFUL.gap(QUANTITY[modifier][0])
    if modifier in POSITIVES:
        least = min(least, (fit.min() + fit.max()) / 2)
    return [b for b, f in zip(bodies, fit, strict=True) if f >= least]


def _related(phrase: Phrase, listened: list[Body], bodies: Sequence[Body]) -> list[Body]:
    if phrase.landmark is None:
        return _closest(phrase.relation, listened, None)
    found: list[Body] = []
    for landmark in meant(phrase.landmark, bodies):
        others = [b for b in listened if b != landmark]
        if phrase.relation in SIDES:
            found += [b for b in others if beside(phrase.relation, b, landmark, DOUBTFUL)]
        else:
            found += _closest(phrase.relation, others, landmark)
    return found


def _closest(relation: str, bodies: list[Body], landmark: Body | None) -> list[Body]:
    if not bodies:
        return []
    fit = closeness(relation, bodies, landmark)
    least = fit.max() - DOUBTFUL.gap("distance")
    return [b for b, f in zip(bodies, fit, strict=True) if f >= least]
