"""What else could have been said of a scene: labels for pointing from the same pictures.

A demonstration names one object and one container, but the simulator knows where all of them are.
Naming others instead (as hindsight relabelling does with goals, Andrychowicz et al., 2017) gives
the same frames many more instructions to ground. Their actions are unknown, so only pointing and
placing learn from them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from robokiln.serial import from_json
from robokiln.types import Array, Body, RobokilnError, SceneSpec

SCENES = "meta/robokiln/scenes.jsonl"


@dataclass(frozen=True)
class Alternative:
    """Another instruction for an episode.

    target and goal: where the named things stand [3], or None for the episode's own, which move.
    """

    instruction: str
    target: tuple[float, ...] | None
    goal: tuple[float, ...] | None


def read_alternatives(
    root: Path, instructions: tuple[str, ...]
) -> tuple[tuple[Alternative, ...], ...]:
    """The alternatives of each episode; none where the dataset says nothing of its scenes."""
    path = root / SCENES
    if not path.is_file():
        return ((),) * len(instructions)
    try:
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        specs = [from_json(SceneSpec, row["spec"], f"{path}:{i + 1}") for i, row in enumerate(rows)]
    except (ValueError, KeyError, TypeError) as error:
        raise RobokilnError(f"{path}: not the scenes of this dataset ({error})") from None
    if len(specs) != len(instructions):
        raise RobokilnError(f"{path}: {len(specs)} scenes for {len(instructions)} episodes")
    nouns = _nouns(specs, instructions)
    return tuple(_alternatives(s, t, nouns) for s, t in zip(specs, instructions, strict=True))


def positions(alternative: Alternative, own: Array) -> Array:
    """Where the alternative's target and goal are [2, 3], given the episode's own now [2, 3]."""
    places = [alternative.target, alternative.goal]
    return np.array([o if p is None else p for p, o in zip(places, own, strict=True)])


def _nouns(specs: list[SceneSpec], instructions: tuple[str, ...]) -> dict[tuple[str, str], str]:
    """(role, kind of shape) -> the word that instructions use for it, as these data show."""
    found: dict[tuple[str, str], str] = {}
    for spec, text in zip(specs, instructions, strict=True):
        for role in ("target", "goal"):
            body = spec.bodies[spec.index(spec.goal[role])]
            said = re.search(rf"\b{body.color} (\w+)", text) if body.color else None
            if said:
                found[role, body.shape.kind] = said[1]
    return found


def _alternatives(
    spec: SceneSpec, text: str, nouns: dict[tuple[str, str], str]
) -> tuple[Alternative, ...]:
    own = {role: spec.bodies[spec.index(spec.goal[role])] for role in ("target", "goal")}
    choices = {
        role: [b for b in spec.bodies if b.color and (role, b.shape.kind) in nouns] for role in own
    }
    made = []
    for target, goal in product(choices["target"], choices["goal"]):
        names = {
            own[role].color: f"{body.color} {nouns[role, body.shape.kind]}"
            for role, body in (("target", target), ("goal", goal))
        }
        said = _rename(text, names)
        if said != text:
            made.append(Alternative(said, _where(target, own["target"]), _where(goal, own["goal"])))
    return tuple(made)


def _rename(text: str, names: dict[str, str]) -> str:
    """Each "color noun" whose color is a key of `names` becomes its value."""
    return re.sub(rf"\b({'|'.join(names)}) \w+", lambda found: names[found[1]], text)


def _where(body: Body, own: Body) -> tuple[float, ...] | None:
    return None if body.name == own.name else body.pose[:3]
