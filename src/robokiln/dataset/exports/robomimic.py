"""robomimic's HDF5: data/demo_0 .. demo_N with obs, actions, rewards and dones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from robokiln.dataset.checksums import write_checksums
from robokiln.dataset.exports.common import (
    Progress,
    Rows,
    episode_rows,
    instruction,
    left_out,
    opened,
    units,
    vectors,
    write_provenance,
)
from robokiln.dataset.features import ACTION, DEPTH, IMAGES
from robokiln.dataset.layout import BOOKKEEPING, DatasetError
from robokiln.dataset.reader import Dataset
from robokiln.files import new_directory
from robokiln.types import Array, Feature, RobokilnError

FILE = "demos.hdf5"
GYM = 2
"""robomimic's EnvType of a Gymnasium environment."""
VALIDATION = 10
"""One motion in so many is for validation, with all of its looks."""


def export_robomimic(root: Path, out: Path, progress: Progress) -> Rows:
    """Write `out`/demos.hdf5, one episode in memory at a time."""
    try:
        import h5py
    except ImportError:
        raise RobokilnError("h5py is not installed: pip install 'robokiln[robomimic]'") from None
    data = opened(root)
    kept = [f for f in vectors(data) if f.name not in {b.name for b in BOOKKEEPING}]
    if ACTION not in {f.name for f in kept}:
        raise DatasetError(f"{root}: has no column '{ACTION}'")
    known = units(root)
    with new_directory(out) as new, h5py.File(new / FILE, "w") as file:
        demos = file.create_group("data")
        for episode, recorded in enumerate(episode_rows(root, _RECORDED.__contains__)):
            rows = data.rows(episode)
            demo = demos.create_group(f"demo_{episode}")
            _write_demo(demo, data, rows, kept, known, episode)
            success = bool(recorded.get("success", True))
            _write_ends(demo, len(rows["index"]), success)
            lang = instruction(data, rows, episode)
            demo.attrs["ep_meta"] = json.dumps({"lang": lang, **recorded})
            progress(episode + 1, data.info.episodes)
        demos.attrs["total"] = data.info.frames
        demos.attrs["env_args"] = json.dumps(_environment(data))
        train, valid = _split(data.slots())
        for name, chosen in (("train", train), ("valid", valid)):
            keys = np.array([f"demo_{e}" for e in chosen], dtype="S")
            file.create_dataset(f"mask/{name}", data=keys)
        file.close()
        write_provenance(data, "robomimic HDF5", new)
        write_checksums(new)
    videos = (*data.info.videos, *data.info.depths)
    return [
        ("demonstrations, samples", f"{data.info.episodes}, {data.info.frames}"),
        ("mask/train, mask/valid", f"{len(train)}, {len(valid)}"),
        ("left out", left_out(data, [*kept, *BOOKKEEPING], videos)),
    ]


_RECORDED = frozenset({"episode_index", "success", "slot", "attempt", "look", "task_family"})


def observation_name(feature: str) -> str:
    """observation.state -> state; privileged.target_goal_pose -> privileged_target_goal_pose."""
    return feature.removeprefix("observation.").replace(".", "_")


def _write_demo(
    demo: Any,
    data: Dataset,
    rows: Mapping[str, Array],
    kept: list[Feature],
    known: Mapping[str, str],
    episode: int,
) -> None:
    demo.attrs["num_samples"] = len(rows["index"])
    for feature in kept:
        values = rows[feature.name].reshape(len(rows["index"]), -1)
        place = f"obs/{observation_name(feature.name)}"
        if feature.name == ACTION:
            place = "actions"
        elif feature.name.startswith(f"{ACTION}."):
            place = f"action_dict/{feature.name.removeprefix(f'{ACTION}.')}"
        stored = demo.create_dataset(place, data=values)
        stored.attrs["column"], stored.attrs["unit"] = feature.name, known.get(feature.name, "")
        if feature.names is not None:
            stored.attrs["names"] = list(feature.names)
    for video in data.info.videos:
        name = f"obs/{video.removeprefix(IMAGES)}_image"
        _write_pictures(demo, name, data.video(video, episode))
    for video in data.info.depths:
        camera = video.removeprefix(IMAGES).removesuffix(DEPTH)
        _write_pictures(demo, f"obs/{camera}_depth", data.depth(camera, episode)[..., None])


def _write_pictures(demo: Any, name: str, pictures: Array) -> None:
    """A chunk a picture: readers take single frames."""
    demo.create_dataset(
        name,
        data=pictures,
        chunks=(1, *pictures.shape[1:]),
        compression="gzip",
        compression_opts=1,
    )


def _write_ends(demo: Any, steps: int, success: bool) -> None:
    """Done at the last step, where a demonstration that succeeded is rewarded."""
    last = np.arange(steps) == steps - 1
    demo.create_dataset("rewards", data=(last & success).astype(np.float32))
    demo.create_dataset("dones", data=last.astype(np.int64))


def _environment(data: Dataset) -> dict[str, Any]:
    """Enough for robomimic to read; there is no simulator state that its tools could restore."""
    families = sorted(set(data.task_families()) - {""}) or ["unknown"]
    keys = {"robot": data.info.robot_type, "control_freq": data.info.fps, "tasks": families}
    return {"env_name": families[0], "type": GYM, "env_kwargs": keys}


def _split(slots: Array) -> tuple[list[int], list[int]]:
    """Episodes for training and validation; looks of one motion stay together."""
    motions = np.unique(slots)
    kept_back = motions[VALIDATION - 1 :: VALIDATION]
    valid = np.isin(slots, kept_back)
    return np.flatnonzero(~valid).tolist(), np.flatnonzero(valid).tolist()
