"""What the accepted episodes of a task look like: final states side by side, and one film."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from robokiln.dataset import encode_video
from robokiln.frames import render, sample_look
from robokiln.geometry import resized
from robokiln.kiln.plan import Plan
from robokiln.kiln.unit import simulate
from robokiln.seeds import Domain, Stream, generator
from robokiln.types import Array, Episode
from robokiln.workers import Execution, Failure, map_unordered

STATES, COLUMNS, TILE, FILM, EVERY = 20, 5, 160, 256, 2
"""Pictures on a sheet, in a row, pixels of one, of a film, and steps between a film's frames."""


@dataclass(frozen=True)
class Picture:
    plan: Plan
    slot: int


def final_picture(job: Picture) -> Array:
    """The front camera's view of the end of a slot's episode: uint8 [H, W, 3]."""
    episode = simulate(job.plan, job.slot, 0)
    return drawn(episode, job, TILE, [len(episode) - 1])[0]


def film(job: Picture) -> Array:
    """All of it, every second step: uint8 [T, H, W, 3]."""
    episode = simulate(job.plan, job.slot, 0)
    return drawn(episode, job, FILM, range(0, len(episode), EVERY))


def drawn(episode: Episode, job: Picture, size: int, steps: Sequence[int]) -> Array:
    """The fixed camera's view of these steps in the slot's look: uint8 [T, size, size, 3]."""
    spec, rng = episode.spec, generator(Domain.TRAINING, job.plan.seed, job.slot, 0, Stream.LOOK)
    camera = resized(next(c for c in spec.cameras if not c.mount), size, size)
    look = replace(sample_look(spec, rng, job.plan.look), cameras=())
    return render(spec, episode.link_poses[list(steps)], look, (camera,), antialias=True)[
        camera.name
    ].rgb


def sheets(
    out: Path, name: str, plan: Plan, accepted: list[int], execution: Execution
) -> Iterator[Path]:
    """Write a task's sheet and film; where they are."""
    out.mkdir(parents=True, exist_ok=True)
    jobs = [Picture(plan, slot) for slot in accepted[:STATES]]
    tiles = {job.slot: result for job, result in map_unordered(final_picture, jobs, execution)}
    seen = [tile for _, tile in sorted(tiles.items()) if not isinstance(tile, Failure)]
    if not seen:
        return
    rows = -(-len(seen) // COLUMNS)
    sheet = np.full((rows * TILE, COLUMNS * TILE, 3), 255, np.uint8)
    for i, tile in enumerate(seen):
        y, x = divmod(i, COLUMNS)
        sheet[y * TILE : (y + 1) * TILE, x * TILE : (x + 1) * TILE] = tile
    Image.fromarray(sheet).save(out / f"{name}.png")
    yield out / f"{name}.png"
    encode_video(out / f"{name}.mp4", film(jobs[0]), plan.episode.control_hz // EVERY)
    yield out / f"{name}.mp4"
