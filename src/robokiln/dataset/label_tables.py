"""labels/: Parquet files beside the format's own, a row group an episode."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from robokiln.dataset import layout, tables
from robokiln.dataset.labels import Boxes, EpisodeLabels, Runs
from robokiln.types import Array

EPISODES = 500
"""In one file, as in the data files."""
MOTION, CAMERAS, SEGMENTATION, BOXES = "motion", "cameras", "segmentation", "boxes"
BY_FRAME = (MOTION, CAMERAS, SEGMENTATION)
"""Tables with a row for each frame."""


class LabelShards:
    """Takes the labels of episodes in order; `close` finishes the files."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._writers: dict[str, pq.ParquetWriter] = {}

    def add(self, episode: int, labels: EpisodeLabels) -> None:
        """Append one episode to every table that it has something for."""
        if episode % EPISODES == 0:
            self.close()
        for kind, columns in _tables(labels).items():
            rows = len(next(iter(columns.values())))
            table = pa.table({"episode_index": np.full(rows, episode), **columns})
            if kind not in self._writers:
                path = label_file(self._root, kind, episode)
                path.parent.mkdir(parents=True, exist_ok=True)
                # Poses hardly repeat, and runs are short: a dictionary would only add to them.
                self._writers[kind] = tables.writer(path, table.schema, "zstd", dictionary=False)
            self._writers[kind].write_table(table)

    def close(self) -> None:
        """Write the footers."""
        for writer in self._writers.values():
            writer.close()
        self._writers = {}


def label_file(root: Path, kind: str, episode: int) -> Path:
    """The file that holds an episode's rows of a table."""
    folder, number = layout.location(episode // EPISODES)
    return root / layout.LABELS / kind / f"chunk-{folder:03d}" / f"file-{number:03d}.parquet"


def _tables(labels: EpisodeLabels) -> dict[str, dict[str, pa.Array]]:
    """Arrow columns of each table with at least one row."""
    steps = pa.array(np.arange(len(labels.link_poses), dtype=np.int32))
    cameras: dict[str, pa.Array] = {"frame_index": steps}
    segments: dict[str, pa.Array] = {}
    boxes = []
    for name, camera in labels.cameras.items():
        cameras[f"{name}.pose"] = _vectors(camera.pose)
        cameras[f"{name}.intrinsics"] = _vectors(camera.intrinsics)
        cameras[f"{name}.pixels"] = _rows(camera.pixels)
        if camera.segmentation is not None:
            segments |= _run_columns(name, camera.segmentation)
        if camera.boxes is not None:
            boxes.append(_box_columns(name, camera.boxes))
    poses = labels.link_poses
    motion = {
        "frame_index": steps,
        "link_poses": _rows(poses),
        "contacts": _vectors(labels.contacts),
    }
    found = {MOTION: motion, CAMERAS: cameras}
    if segments:
        found[SEGMENTATION] = {"frame_index": steps, **segments}
    if any(len(b["frame_index"]) for b in boxes):
        found[BOXES] = {key: pa.concat_arrays([b[key] for b in boxes]) for key in boxes[0]}
    return found


def _run_columns(camera: str, runs: Runs) -> Mapping[str, pa.Array]:
    offsets = np.concatenate([[0], np.cumsum(runs.counts)]).astype(np.int32)
    return {
        f"{camera}.ids": _lists(offsets, runs.values),
        f"{camera}.lengths": _lists(offsets, runs.lengths),
    }


def _box_columns(camera: str, boxes: Boxes) -> Mapping[str, pa.Array]:
    return {
        "frame_index": pa.array(boxes.frame),
        "camera": pa.array([camera] * len(boxes.frame), pa.string()),
        "id": pa.array(boxes.id),
        "box": _vectors(boxes.box),
        "pixels": pa.array(boxes.pixels),
        "amodal_box": _vectors(boxes.amodal_box),
        "amodal_pixels": pa.array(boxes.amodal_pixels),
    }


def _vectors(values: Array) -> pa.Array:
    flat = pa.array(np.ascontiguousarray(values).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])


def _rows(values: Array) -> pa.Array:
    """One list a frame: scenes differ in their number of bodies."""
    offsets = np.arange(len(values) + 1, dtype=np.int32) * values[0].size
    return _lists(offsets, values.ravel())


def _lists(offsets: Array, values: Array) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.ascontiguousarray(values)))
