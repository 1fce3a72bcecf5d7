"""What a unit keeps of an episode: its columns, and what any later rendering needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from robokiln.files import read_arrays, write_json
from robokiln.kiln.columns import columns
from robokiln.serial import from_json, parse_json
from robokiln.types import Array, Episode, Outcome, RobokilnError, SceneSpec

_COLUMN = "column."


@dataclass(frozen=True)
class Motion:
    """T steps as the dataset has them, so that a stored episode is the same as a simulated one.

    `columns` are the dataset's; link_poses float32 [T, L, 7]; contacts int16 [T, 2].
    """

    spec: SceneSpec
    outcome: Outcome
    columns: Mapping[str, Array]
    link_poses: Array
    contacts: Array

    def __len__(self) -> int:
        return len(self.link_poses)


def motion_of(episode: Episode) -> Motion:
    """What is kept of a simulated episode."""
    poses, contacts = episode.link_poses, episode.contacts
    return Motion(episode.spec, episode.outcome, columns(episode), poses, contacts)


def save_motion(directory: Path, motion: Motion) -> None:
    """The spec and outcome as JSON, the arrays beside them."""
    write_json(directory / "scene.json", {"spec": motion.spec, "outcome": motion.outcome})
    arrays: dict[str, Any] = {_COLUMN + name: values for name, values in motion.columns.items()}
    arrays |= {"link_poses": motion.link_poses, "contacts": motion.contacts}
    np.savez_compressed(directory / "motion.npz", **arrays)


def load_motion(directory: Path) -> Motion:
    """The inverse of `save_motion`."""
    path = directory / "scene.json"
    arrays = read_arrays(directory / "motion.npz")
    found = {k.removeprefix(_COLUMN): v for k, v in arrays.items() if k.startswith(_COLUMN)}
    try:
        scene = parse_json(path.read_text())
        spec, outcome = from_json(SceneSpec, scene["spec"]), from_json(Outcome, scene["outcome"])
        return Motion(spec, outcome, found, arrays["link_poses"], arrays["contacts"])
    except (ValueError, KeyError, TypeError) as error:
        raise RobokilnError(f"{path}: not the scene of a unit ({error})") from None
