"""A rollout that is watched: how far it got, and whether what the words say was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from robokiln.episode import EpisodeConfig, Observe, run
from robokiln.physics.world import World
from robokiln.scene.tasks import Task
from robokiln.types import Actor, Array, Episode, Observation, RobokilnError, SceneSpec, State


@dataclass(frozen=True)
class Watched:
    """An episode of a task, and what its states say that it does not keep.

    `parts`: the bodies that were to be moved, and whether each was where it belongs at the end.
    `progress` in [0, 1] and the farthest `phase`, as `farthest` counts them. `obeyed`: whether what
    the instruction says was brought about; None where it was so from the start, or is not clear.
    """

    episode: Episode
    task: Task
    parts: Mapping[str, bool]
    progress: float
    phase: str
    obeyed: bool | None


def watched(
    world: World,
    task: Task,
    spec: SceneSpec,
    actor: Actor,
    config: EpisodeConfig,
    observe: Observe | None = None,
) -> Watched:
    """`episode.run` with a witness."""
    witness = _Witness(actor, task, spec, round(config.hold_seconds * config.control_hz))
    episode = run(world, task, spec, witness, config, observe=observe)
    success = episode.outcome.success
    parts = dict.fromkeys(witness.parts, True) if success else witness.parts
    progress, phase = farthest(episode.phase, witness.done, task.phases, len(parts))
    obeyed = success if spec == witness.told else witness.obeyed
    return Watched(episode, task, parts, 1.0 if success else progress, phase, obeyed)


def farthest(
    seen: Array | Sequence[int], done: Sequence[int], phases: tuple[str, ...], parts: int
) -> tuple[float, str]:
    """The share of a demonstration's phases that was gone through, and the farthest one's name.

    `seen` [T] are indices of what the expert would do next; `done` [T] counts the finished ones of
    `parts` bodies, each of which takes all phases. Phases count in their order only, and one may be
    left out: an expert that backs off because the hand is in its way has not finished.
    """
    best, now, before = (0, 0), 0, 0
    for phase, count in zip(seen, done, strict=True):
        if count != before:
            now, before = 0, count
        if now < phase <= now + 2:
            now = int(phase)
        best = max(best, (min(count, parts - 1), now))
    part, phase = best
    name = phases[phase] if parts == 1 else f"{phases[phase]}, {part + 1} of {parts}"
    return round((part + phase / len(phases)) / parts, 4), name


class _Witness:
    """Lets another actor act, and looks at the states that it sees."""

    def __init__(self, actor: Actor, task: Task, spec: SceneSpec, need: int) -> None:
        self._actor, self._task, self._spec, self._need = actor, task, spec, need
        self.told = _told(task, spec)
        self.parts: Mapping[str, bool] = {}
        self.done: list[int] = []
        self._held, self._already, self._done_as_told = 0, False, False

    @property
    def obeyed(self) -> bool | None:
        """See `Watched`."""
        return None if self._already or self.told is None else self._done_as_told

    def act(self, observation: Observation) -> Array:
        """The other's action."""
        self._look(observation.state)
        return self._actor.act(observation)

    def _look(self, state: State) -> None:
        self.parts = self._task.parts(self._spec, state)
        if self.told is not None:
            as_told = self._task.satisfied(self.told, state)
            self._held = self._held + 1 if as_told else 0
            self._already |= as_told and not self.done
            self._done_as_told |= self._held > self._need
        self.done.append(sum(self.parts.values()))


def _told(task: Task, spec: SceneSpec) -> SceneSpec | None:
    try:
        return task.told(spec)
    except RobokilnError:
        return None


def first_left(parts: Mapping[str, bool]) -> str:
    """The first body that is not where it belongs, or the last one."""
    return next((name for name, there in parts.items() if not there), [*parts][-1])


def bodies_of(episode: Episode) -> Array:
    """Poses of the spec's bodies, float64 [T, B, 7]."""
    return episode.link_poses[:, -len(episode.spec.bodies) :].astype(np.float64)
