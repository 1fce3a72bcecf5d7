"""What each sensor of configs/sensor costs, and what it does to a scene, as a picture to look at.

A Panda that reaches over a table with eight objects; CPU milliseconds an image on one core, the
median of rounds, beside the ideal camera's. Rows of the picture are sensors, columns the front
camera's color and depth and the wrist camera's. Each camera keeps its view, so that rows compare.
`python benchmarks/sensors.py --picture docs/images/sensors.png --json FILE`
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from robokiln.cli.compose import choices, load_choice
from robokiln.frames import Capture, LookConfig, SensorConfig, sample_look
from robokiln.geometry import quat_to_matrix
from robokiln.seeds import Domain, sensor_draws
from robokiln.serial import from_json
from robokiln.types import Array, Camera, Frames

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "frames"))
from arranged import reach, resized, table_scene

SIZE, ROUNDS, STEPS, SLOWER = 192, 5, 6, 4
"""Pixels a side, repetitions, control steps, and how much slower the arm is than `reach`."""
NEAR = {"front": (0.7, 1.8), "wrist": (0.05, 0.5)}
"""Depths (m) that the picture shows from bright to dark; black is a hole."""
COLUMNS = ("front", "front, depth", "wrist", "wrist, depth")
MARGIN, GAP, LABEL = 10, 6, 78
INK, PAPER = (32, 36, 40), (255, 255, 255)


def sensors() -> dict[str, SensorConfig]:
    """The catalogue, the ideal camera first."""
    names = sorted(choices("sensor"), key=lambda name: (name != "none", name))
    return {n: from_json(SensorConfig, load_choice("sensor", n)) for n in names}


def motion() -> Array:
    """Link poses [STEPS, L, 7] of an arm at about the expert's speed."""
    first, second = reach(12)[8:10].astype(np.float64)
    second[(first[:, 3:] * second[:, 3:]).sum(axis=1) < 0, 3:] *= -1
    share = np.arange(STEPS)[:, None, None] / SLOWER / 2
    poses = first + share * (second - first)
    poses[..., 3:] /= np.linalg.norm(poses[..., 3:], axis=-1, keepdims=True)
    assert np.isfinite(quat_to_matrix(poses[..., 3:])).all()
    return poses.astype(np.float32)


def capture(config: SensorConfig, cameras: Sequence[Camera]) -> Capture:
    """Front and wrist camera with the same sensor, their own field of view kept."""
    spec = dataclasses.replace(table_scene(), cameras=tuple(cameras))
    look = sample_look(spec, np.random.default_rng(3), LookConfig())
    draws = sensor_draws(Domain.ROBUSTNESS, 0, 0, 0)
    return Capture(spec, look, {c.name: config for c in cameras}, draws, antialias=True)


def milliseconds(config: SensorConfig, cameras: Sequence[Camera], poses: Array) -> float:
    """CPU time an image, rendering included."""
    made, times = capture(config, cameras), []
    made.frames(poses)
    for _ in range(ROUNDS):
        start = time.process_time()
        made.frames(poses)
        times.append((time.process_time() - start) * 1e3 / (len(poses) * len(cameras)))
    return float(np.median(times))


def shown_depth(frames: Frames, camera: str) -> Array:
    """The last step's depth in grays, holes in black."""
    low, high = NEAR[camera]
    depth = frames.depth[-1]
    gray = 255 - 205 * np.clip((depth - low) / (high - low), 0, 1)
    return np.repeat(np.where(depth > 0, gray, 0).astype(np.uint8)[..., None], 3, axis=-1)


def sheet(rows: dict[str, dict[str, Frames]]) -> Image.Image:
    """All sensors below each other, labelled."""
    font, pitch = ImageFont.load_default(15), SIZE + GAP
    size = (LABEL + len(COLUMNS) * pitch + MARGIN, 2 * MARGIN + 20 + len(rows) * pitch)
    page = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(page)
    for i, title in enumerate(COLUMNS):
        draw.text((LABEL + i * pitch, MARGIN), title, INK, font)
    for j, (name, found) in enumerate(rows.items()):
        y = MARGIN + 24 + j * pitch
        draw.text((MARGIN, y + SIZE // 2 - 8), name, INK, font)
        tiles = [
            t for c in ("front", "wrist") for t in (found[c].rgb[-1], shown_depth(found[c], c))
        ]
        for i, tile in enumerate(tiles):
            page.paste(Image.fromarray(tile), (LABEL + i * pitch, y))
    return page


def main() -> None:
    """Measure, print, and write what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--picture", type=Path, help="write the sheet here")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    cameras = resized(table_scene(), SIZE, SIZE).cameras
    poses = motion()
    small = resized(table_scene(), 128, 128).cameras
    figures = {name: milliseconds(config, small, poses) for name, config in sensors().items()}
    for name, value in figures.items():
        print(
            f"{name:8s} {value:6.2f} ms an image of 128 x 128, {value / figures['none']:.1f} times"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps({"ms_per_image": figures}, indent=1) + "\n")
    if arguments.picture:
        found = {name: capture(config, cameras).frames(poses) for name, config in sensors().items()}
        sheet(found).save(arguments.picture, optimize=True)


if __name__ == "__main__":
    main()
