"""Videos of chosen rollouts, rendered again from their stored motion, failures first."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from robokiln.dataset import encode_video
from robokiln.frames import render
from robokiln.geometry import resized
from robokiln.report.evaluate import Evaluation, film_path
from robokiln.report.rollouts import Film, Rollout, load_film
from robokiln.types import Camera, SceneSpec

FAILED, SUCCEEDED = 6, 3
"""At most so many of each."""
HEIGHT = 256
EVERY = 2
"""Steps from one frame to the next; drawing them takes longer than the rest of the page."""


@dataclass(frozen=True)
class Clip:
    """An MP4 and the rollout it shows."""

    rollout: Rollout
    mp4: bytes


def clips(evaluation: Evaluation, directory: Path) -> list[Clip]:
    """The filmed row's clips; none where no film is left in the evaluation's directory."""
    filmed = [r for r in evaluation.rollouts if film_path(directory, r.row, r.scene).exists()]
    fps = _fps(evaluation)
    found = []
    for rollout in choose(filmed):
        film = load_film(film_path(directory, rollout.row, rollout.scene))
        found.append(Clip(rollout, _encode(film, fps)))
    return found


def choose(rollouts: list[Rollout]) -> list[Rollout]:
    """Failures first, each class in turn, then the first successes."""
    seen: dict[str, int] = {}
    ranked = []
    for rollout in sorted((r for r in rollouts if not r.success), key=lambda r: r.scene):
        rank = seen[rollout.failure] = seen.get(rollout.failure, -1) + 1
        ranked.append((rank, rollout.scene, rollout))
    failed = [rollout for _, _, rollout in sorted(ranked, key=lambda entry: entry[:2])]
    succeeded = sorted((r for r in rollouts if r.success), key=lambda r: r.scene)
    return failed[:FAILED] + succeeded[:SUCCEEDED]


def _encode(film: Film, fps: int) -> bytes:
    camera = _enlarged(_outside_view(film.spec))
    frames = render(film.spec, film.link_poses[::EVERY], film.look, (camera,), antialias=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        encode_video(path, frames[camera.name].rgb, max(1, fps // EVERY))
        return path.read_bytes()


def _outside_view(spec: SceneSpec) -> Camera:
    """A camera that stands still, where there is one."""
    return next((c for c in spec.cameras if not c.mount), spec.cameras[0])


def _enlarged(camera: Camera) -> Camera:
    width = 2 * round(camera.width * HEIGHT / camera.height / 2)
    return resized(camera, width, HEIGHT)


def _fps(evaluation: Evaluation) -> int:
    """The control rate, which steps and seconds of any rollout give."""
    rollout = evaluation.rollouts[0]
    return round(rollout.steps / rollout.seconds)
