"""A LeRobotDataset v3.0 in the formats of others' tools."""

from collections.abc import Callable, Mapping
from pathlib import Path

from robokiln.dataset.exports.common import Progress, Rows
from robokiln.dataset.exports.lerobot21 import export_lerobot21
from robokiln.dataset.exports.robomimic import export_robomimic

FORMATS: Mapping[str, Callable[[Path, Path, Progress], Rows]] = {
    "lerobot21": export_lerobot21,
    "robomimic": export_robomimic,
}
"""By name: (dataset, out, progress) -> what the user is told of it."""

__all__ = ["FORMATS", "export_lerobot21", "export_robomimic"]
