"""What a unit keeps of an episode: its columns, and what any later rendering needs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from robokiln.files import write_json
from robokiln.kiln.columns import columns
from robokiln.serial import from_json
from robokiln.types import Array, Episode, Outcome, SceneSpec

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
    scene = json.loads((directory / "scene.json").read_text())
    arrays = load_arrays(directory / "motion.npz")
    found = {k.removeprefix(_COLUMN): v for k, v in arrays.items() if k.startswith(_COLUMN)}
    spec, outcome = from_json(SceneSpec, scene["spec"]), from_json(Outcome, scene["outcome"])
    return Motion(spec, outcome, found, arrays["link_poses"], arrays["contacts"])


def load_arrays(path: Path) -> dict[str, Array]:
    """The arrays of an .npz."""
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}
