"""What each axis of a robustness suite looks like, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from robokiln.frames import Capture
from robokiln.physics.bullet import BulletWorld
from robokiln.report.looks import beside, grid
from robokiln.report.plots import png
from robokiln.report.robustness import NOMINAL, Axis, Robustness
from robokiln.report.rollouts import held_out, scene_look
from robokiln.report.rows import ROWS
from robokiln.seeds import Domain, sensor_draws
from robokiln.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHEET = "axes.png"
SCENES = 2
"""Shown of each axis."""
SIDE = 160
"""Least height of a shown picture: small ones are enlarged without smoothing."""
COLORS = {"image_policy": "#2364aa", "state_policy": "#2c7a51", "expert": "#8a94a0"}


def sheet(axes: Sequence[Axis], columns: int = 4) -> Image.Image:
    """The first scenes of every axis as the fixed camera shows them to a policy at the start."""
    config = axes[0].config.episode
    world = BulletWorld(config.control_hz, config.physics_hz)
    tiles = []
    for axis in axes:
        shown = [_start(world, axis, scene) for scene in range(SCENES)]
        tiles.append((axis.name, beside([picture for picture, _ in shown])))
    world.close()
    return grid(tiles, columns)


def _start(world: BulletWorld, axis: Axis, scene: int) -> tuple[Array, str]:
    config = axis.config
    spec, attempt = held_out(world, config, scene)
    look = scene_look(spec, config, scene, attempt)
    camera = next((c for c in spec.cameras if not c.mount), spec.cameras[0])
    draws = sensor_draws(Domain.EVALUATION, config.seed, scene, attempt)
    capture = Capture(spec, look, config.sensors, draws, antialias=config.antialias)
    world.load(spec)
    picture = capture.frames(world.visual_poses()[None])[camera.name].rgb[0]
    times = -(-SIDE // len(picture))
    return picture.repeat(times, axis=0).repeat(times, axis=1), spec.instruction


def plot(found: Robustness) -> bytes:
    """PNG: each row's rate on each axis, and what it loses there."""
    from matplotlib.figure import Figure

    rows = [row for row in ROWS if row in found.axes[NOMINAL].rows]
    names = list(found.axes)
    figure = Figure(figsize=(10, 1.3 + 0.36 * len(names)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _rates(left, found, rows, names)
    _losses(right, found, rows, names)
    for axes in (left, right):
        axes.grid(axis="x", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    left.set_ylim(len(names) - 0.5, -0.5)
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=len(rows))
    return png(figure)


def _rates(axes: Axes, found: Robustness, rows: list[str], names: list[str]) -> None:
    for row, shift in zip(rows, _shifts(rows), strict=True):
        here = [
            (i, found.axes[n].rows[row]) for i, n in enumerate(names) if row in found.axes[n].rows
        ]
        y = [i + shift for i, _ in here]
        rate = np.array([r.successes / r.n for _, r in here])
        ends = np.array([(r.low, r.high) for _, r in here]).T
        spread = np.maximum(np.abs(ends - rate), 0)
        axes.errorbar(
            100 * rate,
            y,
            xerr=100 * spread,
            fmt="o",
            ms=4,
            capsize=2,
            label=ROWS[row].label,
            color=COLORS[row],
        )
        axes.axvline(100 * rate[0], color=COLORS[row], lw=0.8, ls=":")
    axes.set(xlim=(-2, 102), xlabel="success, % with Wilson interval")
    axes.set_yticks(range(len(names)), names)


def _losses(axes: Axes, found: Robustness, rows: list[str], names: list[str]) -> None:
    for row, shift in zip(rows, _shifts(rows), strict=True):
        here = [
            (i, found.axes[n].drops[row].lost)
            for i, n in enumerate(names)
            if row in found.axes[n].drops
        ]
        y = [i + shift for i, _ in here]
        lost = np.array([d.value for _, d in here])
        ends = np.array([(d.low, d.high) for _, d in here]).reshape(-1, 2).T
        axes.errorbar(
            100 * lost,
            y,
            xerr=100 * np.abs(ends - lost),
            fmt="o",
            ms=4,
            capsize=2,
            color=COLORS[row],
        )
    axes.axvline(0, color="black", lw=0.8)
    axes.set(xlabel="lost from nominal, points with 95 % interval (Newcombe)")


def _shifts(rows: list[str]) -> list[float]:
    return [0.22 * (i - (len(rows) - 1) / 2) for i in range(len(rows))]
