"""An episode as strips of pictures: each camera's color, segments and depth, in every look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from robokiln.dataset import IMAGES, Dataset, read_json_line
from robokiln.report.overlays import (
    depth_colors,
    depth_legend,
    depth_limits,
    segment_legend,
    segments_over,
)
from robokiln.types import Array, RobokilnError

LOOKS = 6
"""At most so many looks of one motion."""


@dataclass(frozen=True)
class Strip:
    """A tagged row of pictures uint8 [T, H, W, 3]; `legend` uint8 [height, LEGEND, 3], for tiles of
    that height."""

    tag: str
    pictures: Array
    legend: Array | None = None


def motions(data: Dataset) -> list[list[int]]:
    """The episodes of each motion: its looks."""
    slots = data.slots()
    return [np.flatnonzero(slots == slot).tolist() for slot in np.unique(slots)]


def color_strips(data: Dataset, looks: list[int], camera: str, name: str = "") -> list[Strip]:
    """The same moments in each look, below each other; `name` tells datasets apart."""
    short, few = camera.removeprefix(IMAGES), looks[:LOOKS]
    tags = [f"{short}, look {i}" if len(looks) > 1 else short for i in range(len(few))]
    tags = [f"{tag}, {name}" if name else tag for tag in tags]
    return [Strip(t, data.video(camera, e)) for t, e in zip(tags, few, strict=True)]


def label_strips(data: Dataset, episode: int, camera: str, height: int) -> Iterator[Strip]:
    """Segments and depth of one camera, as far as the dataset has them."""
    short = camera.removeprefix(IMAGES)
    if "segmentation" in data.recorded:
        ids = data.labels(episode).segmentation(short)
        legend = segment_legend(height, _names(data, episode), np.unique(ids))
        over = segments_over(data.video(camera, episode), ids)
        yield Strip(f"{short}, segments", over, legend)
    if any(d.startswith(f"{camera}_") for d in data.info.depths):
        depth = data.depth(short, episode)
        limits = depth_limits(depth)
        yield Strip(f"{short}, depth", depth_colors(depth, limits), depth_legend(height, limits))


def beside_strips(data: Dataset, slot: int, steps: int, name: str) -> list[Strip]:
    """The looks of the same motion in another dataset, by its own cameras."""
    looks = np.flatnonzero(data.slots() == slot).tolist()
    strips = [s for c in data.info.videos for s in color_strips(data, looks, c, name)]
    if not strips or any(len(s.pictures) != steps for s in strips):
        raise RobokilnError(
            f"beside: {data.info.root} has no motion {slot} of {steps} frames; "
            "expected a dataset of the same motions"
        )
    return strips


def _names(data: Dataset, episode: int) -> list[str]:
    """What each id stands for, where the dataset says it."""
    names, folder = ["nothing", "robot"], data.info.root / "meta" / "robokiln"
    for file, whole, parts in (("scenes", "spec", "bodies"), ("looks", "appearance", "props")):
        path = folder / f"{file}.jsonl"
        if path.is_file():
            found = read_json_line(path, episode)[whole][parts]
            names += [str(part["name"]) for part in found]
    return names
