"""meta/modality.json: how Isaac-GR00T cuts state and action vectors into named parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from robokiln.dataset.features import ACTION, IMAGES, JOINT_POSITION, JOINT_TARGET, STATE
from robokiln.types import ACTION_NAMES, Feature

_END_EFFECTOR = {
    "end_effector_position": (0, 3),
    "end_effector_rotation": (3, 9),
    "gripper": (9, 10),
}
"""No rotation_type: GR00T's rotation_6d means the matrix's rows, ours are its columns."""


def modality(features: Sequence[Feature], videos: Sequence[str]) -> dict[str, Any]:
    """Parts of state and action, cameras by their short names, and the instruction."""
    return {
        "state": _parts(features, STATE, JOINT_POSITION),
        "action": _parts(features, ACTION, JOINT_TARGET),
        "video": {v.removeprefix(IMAGES): {"original_key": v} for v in videos},
        "annotation": {"human.task_description": {"original_key": "task_index"}},
    }


def _parts(features: Sequence[Feature], main: str, joints: str) -> dict[str, Any]:
    by_name = {f.name: f for f in features}
    found: dict[str, Any] = {}
    if main in by_name:
        feature = by_name[main]
        whole = {main.rpartition(".")[2]: (0, feature.shape[0])}
        parts = _END_EFFECTOR if feature.names == ACTION_NAMES else whole
        found |= {name: _part(main, *span) for name, span in parts.items()}
    if joints in by_name:
        found["joint_position"] = _part(joints, 0, by_name[joints].shape[0])
    return found


def _part(column: str, start: int, end: int) -> dict[str, Any]:
    return {"original_key": column, "start": start, "end": end}
