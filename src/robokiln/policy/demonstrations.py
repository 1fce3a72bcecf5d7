"""Demonstrations in memory, and the labels that the simulator's privileged poses give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from robokiln import dataset
from robokiln.dataset import RecordedCamera
from robokiln.deploy import TrainedOn
from robokiln.geometry import action_to_pose, compose, project
from robokiln.policy.hindsight import Alternative, alternatives, lacking
from robokiln.policy.pictures import Joined
from robokiln.policy.roles import ROLES, named, read_scenes, read_shown, read_stands, role_bodies
from robokiln.types import Array, RobokilnError

THROWN, SLIPPED = 0.006, 0.5
"""Metres a step, and of the gripper's opening: more than a demonstration's noise is off by, and
less than a kick or a slip is."""


@dataclass(frozen=True)
class Demonstrations:
    """N frames of E episodes, of one dataset or of several.

    frames: camera -> pictures [N, H, W, 3]; proprioception and action float32 [N, 10]; thrown
    bool [N], whether something else was executed than the action; target_goal_pose float32 [N, 14];
    stands float32 [N, R, 6], where the roles are and their flattest axis; named bool [E, R],
    which of them the instruction names; bounds int64 [E, 2], the first frame and past the last;
    bodies int64 [E, R], the roles' bodies; shown bool [N, V, B], which of the scene's bodies each
    camera shows; views int64 [E], which entry of `cameras` an episode was seen by; alternatives:
    what else could have been said in each episode, or empty; lacking: the same of things that are
    not there; trained_on: what they are of.
    """

    cameras: tuple[tuple[RecordedCamera, ...], ...]
    frames: Mapping[str, Joined]
    proprioception: Array
    action: Array
    thrown: Array
    target_goal_pose: Array
    stands: Array
    named: Array
    bounds: Array
    bodies: Array
    shown: Array
    views: Array
    instructions: tuple[str, ...]
    alternatives: tuple[tuple[Alternative, ...], ...]
    lacking: tuple[tuple[Alternative, ...], ...]
    trained_on: TrainedOn

    def __len__(self) -> int:
        return len(self.action)

    @cached_property
    def episode(self) -> Array:
        """The episode of each frame, int64 [N]."""
        return np.repeat(np.arange(len(self.bounds)), np.diff(self.bounds, axis=1)[:, 0])

    @property
    def places(self) -> Array:
        """Where the roles are, float32 [N, R, 3]."""
        return self.stands[..., :3]

    def chunk_rows(self, index: Array, chunk: int) -> Array:
        """Rows of the chunks that start at `index` [B]; the last repeats: int64 [B, chunk]."""
        last = self.bounds[self.episode[index], 1] - 1
        rows: Array = np.minimum(index[:, None] + np.arange(chunk), last[:, None])
        return rows

    def holds(self, rows: Array) -> Array:
        """Which actions of chunks at rows [B, chunk] were meant when the chunk began: up to a step
        at which the demonstration was thrown off. The next are about where that led."""
        thrown = self.thrown[rows]
        return np.cumsum(thrown, axis=1) - thrown == 0


def read_demonstrations(
    roots: Sequence[Path], images: bool = True, decoding: dataset.Progress | None = None
) -> Demonstrations:
    """Everything that training needs of the datasets, one after the other.

    `decoding` is told of pictures that a dataset's first reader has to decode.
    """
    parts = [_read(root, images, decoding) for root in roots]
    first = parts[0]
    for root, part in zip(roots, parts, strict=True):
        _check_alike(roots[0], first, root, part)
    lengths = np.cumsum([0, *(len(part) for part in parts)])
    names = list(first.frames)
    return Demonstrations(
        tuple(part.cameras[0] for part in parts),
        {n: Joined([p for part in parts for p in part.frames[n].parts]) for n in names},
        np.concatenate([part.proprioception for part in parts]),
        np.concatenate([part.action for part in parts]),
        np.concatenate([part.thrown for part in parts]),
        np.concatenate([part.target_goal_pose for part in parts]),
        np.concatenate([part.stands for part in parts]),
        np.concatenate([part.named for part in parts]),
        np.concatenate([p.bounds + n for p, n in zip(parts, lengths, strict=False)]),
        np.concatenate([part.bodies for part in parts]),
        _padded([part.shown for part in parts]),
        np.concatenate([p.views + i for i, p in enumerate(parts)]),
        tuple(text for part in parts for text in part.instructions),
        tuple(found for part in parts for found in part.alternatives),
        tuple(found for part in parts for found in part.lacking),
        TrainedOn(
            first.trained_on.control_hz,
            tuple(sorted({robot for part in parts for robot in part.trained_on.robots})),
            tuple(sorted({task for part in parts for task in part.trained_on.tasks})),
        ),
    )


def _read(root: Path, images: bool, decoding: dataset.Progress | None) -> Demonstrations:
    data = dataset.open(root, columns=())
    cameras = data.cameras()
    if images and not cameras:
        raise RobokilnError(f"{root}: an image policy needs cameras; the dataset has none")
    if images:
        data.decode(decoding)
    instructions = tuple(data.instructions)
    nothing: tuple[tuple[Alternative, ...], ...] = ((),) * len(instructions)
    specs = read_scenes(root, len(instructions))
    target_goal_pose = data.column(dataset.TARGET_GOAL_POSE)
    action = data.column(dataset.ACTION)
    known = np.array([named(s, t) for s, t in zip(specs, instructions, strict=False)])
    return Demonstrations(
        (cameras if images else (),),
        {c.name: Joined([data.frames(c.name)]) for c in cameras} if images else {},
        data.column(dataset.STATE),
        action,
        thrown_off(action, data.column(dataset.EXECUTED_ACTION)),
        target_goal_pose,
        read_stands(data, specs, target_goal_pose),
        known if specs else np.tile(np.arange(len(ROLES)) < 2, (len(instructions), 1)),
        data.episode_bounds,
        role_bodies(specs, len(instructions)),
        read_shown(data, cameras if images else (), specs),
        np.zeros(len(instructions), np.int64),
        instructions,
        alternatives(specs, instructions) if specs and images else nothing,
        lacking(specs, instructions) if specs and images else nothing,
        TrainedOn(
            data.info.fps,
            tuple(sorted({spec.robot for spec in specs})),
            tuple(sorted({spec.task for spec in specs})),
        ),
    )


def _padded(parts: Sequence[Array]) -> Array:
    """One array [N, V, B] of those of several datasets, whose scenes differ in their number of
    bodies."""
    most = max(part.shape[2] for part in parts)
    whole = np.ones((sum(map(len, parts)), parts[0].shape[1], most), bool)
    first = 0
    for part in parts:
        whole[first : first + len(part), :, : part.shape[2]] = part
        first += len(part)
    return whole


def thrown_off(action: Array, executed: Array) -> Array:
    """Where executed actions [N, 10] are not what was meant, noise aside: bool [N]."""
    off = np.abs(executed - action)
    away = np.linalg.norm(off[:, :3], axis=1) > THROWN
    found: Array = away | (off[:, 9] > SLIPPED)
    return found


def _check_alike(a: Path, first: Demonstrations, b: Path, second: Demonstrations) -> None:
    shapes = [[(c.name, c.width, c.height) for c in part.cameras[0]] for part in (first, second)]
    if shapes[0] != shapes[1]:
        said = [", ".join(f"{n} {w} x {h}" for n, w, h in found) for found in shapes]
        raise RobokilnError(
            f"{b}: expected cameras as in {a} ({said[0] or 'none'}), got {said[1] or 'none'}"
        )
    rates = [part.trained_on.control_hz for part in (first, second)]
    if rates[0] != rates[1]:
        raise RobokilnError(f"{b}: expected {rates[0]} Hz as in {a}, got {rates[1]}")


def role_pixels(camera: RecordedCamera, proprioception: Array, places: Array) -> Array:
    """Where a camera has the positions [N, R, 3]: pixel x, y and depth, float32 [N, R, 3]."""
    pose = np.asarray(camera.pose)
    if camera.frame == "tool":
        pose = compose(action_to_pose(proprioception.astype(np.float64)), pose)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        return project(camera.pinhole(), pose, places, camera.distortion).astype(np.float32)
