"""The labels of one episode, read when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from robokiln.dataset import layout, tables
from robokiln.dataset.features import IMAGES
from robokiln.dataset.info import DatasetInfo
from robokiln.dataset.label_tables import BOXES, CAMERAS, MOTION, SEGMENTATION, label_file
from robokiln.dataset.labels import Boxes, Runs, from_runs
from robokiln.dataset.layout import DatasetError
from robokiln.types import Array, Feature, lookup


class StoredLabels:
    """What labels/ says of an episode of T steps. Each call reads the file again, keeps nothing,
    and an error says what the dataset has where a label was not recorded."""

    def __init__(self, info: DatasetInfo, cameras: Sequence[Feature], episode: int) -> None:
        self._root = info.root
        self._cameras = {f.name.removeprefix(IMAGES): f for f in cameras}
        self._episode = episode

    def link_poses(self) -> Array:
        """World poses float32 [T, L, 7] of the robot's visual links and then the bodies."""
        poses = self._read(MOTION, "link_poses", ())
        return poses.reshape(len(poses), -1, 7)

    def contacts(self) -> Array:
        """The body that each finger touches, or -1: int16 [T, 2]."""
        return self._read(MOTION, "contacts", (2,))

    def camera_pose(self, camera: str) -> Array:
        """Poses in the world, x right, y down, z forward: float32 [T, 7]."""
        return self._read(CAMERAS, f"{self._name(camera)}.pose", (7,))

    def intrinsics(self, camera: str) -> Array:
        """fx, fy, cx, cy in pixels, the top left pixel's centre at (0.5, 0.5): float32 [T, 4]."""
        return self._read(CAMERAS, f"{self._name(camera)}.intrinsics", (4,))

    def pixels(self, camera: str) -> Array:
        """How many of its pixels show the robot and each body: int32 [T, 1 + bodies]."""
        return self._read(CAMERAS, f"{self._name(camera)}.pixels", ())

    def segmentation(self, camera: str) -> Array:
        """uint16 [T, H, W]: 0 nothing, 1 the robot, 2 + i the scene's body i, then the props."""
        name = self._name(camera)
        table = self._table(SEGMENTATION, [f"{name}.{part}" for part in ("ids", "lengths")])
        ids, lengths = (table.column(i).combine_chunks() for i in range(2))
        counts = ids.value_lengths().to_numpy()
        runs = Runs(ids.flatten().to_numpy(), lengths.flatten().to_numpy(), counts)
        height, width, _ = self._cameras[name].shape
        if runs.lengths.sum() != len(counts) * height * width:
            raise DatasetError(f"{self._root}: segmentation of '{name}' is not {width} x {height}")
        return from_runs(runs, height, width)

    def boxes(self, camera: str) -> Boxes:
        """Tight and amodal boxes, and how much of each body is visible."""
        shapes = {"frame_index": (), "id": (), "box": (4,), "pixels": ()}
        shapes |= {"amodal_box": (4,), "amodal_pixels": ()}
        table = self._table(BOXES, ["camera", *shapes])
        here = table.filter(pc.equal(table["camera"], self._name(camera)))
        return Boxes(*(self._array(here[name], name, shape) for name, shape in shapes.items()))

    def _name(self, camera: str) -> str:
        name = camera.removeprefix(IMAGES)
        lookup("camera", name, self._cameras)
        return name

    def _read(self, kind: str, column: str, shape: tuple[int, ...]) -> Array:
        values = self._table(kind, [column]).column(0)
        if not shape:
            lists = values.combine_chunks()
            return lists.flatten().to_numpy().reshape(len(lists), -1)
        return self._array(values, column, shape)

    def _array(self, column: pa.ChunkedArray, name: str, shape: tuple[int, ...]) -> Array:
        return tables.to_numpy(column, Feature(name, "", shape or (1,)), self._root)

    def _table(self, kind: str, columns: Sequence[str]) -> pa.Table:
        _check_recorded(self._root, kind)
        path = label_file(self._root, kind, self._episode)
        _check_columns(path, columns)
        return tables.read_rows(path, ("episode_index", self._episode), columns)


def read_pixels(info: DatasetInfo, camera: str, bounds: Array) -> list[Array]:
    """`StoredLabels.pixels` of every episode, whose frames `bounds` [E, 2] tell, in one pass."""
    _check_recorded(info.root, CAMERAS)
    name, chunks = f"{camera.removeprefix(IMAGES)}.pixels", []
    for path in sorted((info.root / layout.LABELS / CAMERAS).glob("*/*.parquet")):
        _check_columns(path, [name])
        chunks += tables.read_table(path, [name]).column(0).chunks
    lists = pa.concat_arrays(chunks)
    values, ends = lists.flatten().to_numpy(), np.cumsum([0, *lists.value_lengths().to_numpy()])
    return [values[ends[a] : ends[b]].reshape(b - a, -1) for a, b in bounds.tolist()]


def _check_recorded(root: Path, kind: str) -> None:
    if not (root / layout.LABELS / kind).is_dir():
        raise DatasetError(
            f"{root}: label '{kind}' was not recorded; available: "
            f"{', '.join(recorded_labels(root)) or 'none'}"
        )


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    known = dict.fromkeys(tables.read_schema(path)[0].names)
    for column in columns:
        lookup(f"{path}: column", column, known)


def recorded_labels(root: Path) -> tuple[str, ...]:
    """The tables in labels/, sorted."""
    return tuple(sorted(p.name for p in (root / layout.LABELS).glob("*") if p.is_dir()))
