"""One task as a Gymnasium environment: our scenes, physics and pictures, somebody else's loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded

from robokiln.env.config import setup
from robokiln.env.spaces import action_space, checked, nothing, observation_space
from robokiln.episode import Expert, Stepper, held_out_scene
from robokiln.episode.stepper import DIVERGED, LIMIT, SUCCESS
from robokiln.frames import Observer, sample_look, scene_cameras
from robokiln.geometry import resized
from robokiln.physics.bullet import BulletWorld
from robokiln.seeds import Domain, Stream, generator, sensor_draws
from robokiln.types import Array, RobokilnError, lookup

PIXELS, STATE = "pixels_agent_pos", "environment_state_agent_pos"
OBSERVATIONS = dict.fromkeys((PIXELS, STATE))
EVALUATION_SEED = 0
"""The seed of `robokiln evaluate`, unless it is told another one."""
SCENES = 2**32
"""How many `reset` without a seed chooses from."""


class Environment(gymnasium.Env[dict[str, Any], Array]):
    """Scenes are those of `robokiln evaluate`, from which no demonstration is drawn.

    `reset(seed=n)` shows the evaluation's scene n; without a seed another one each time. An action
    is the end-effector target [10] that datasets hold, and executed as `episode.run` does. The
    reward is 1 at success, which has lasted for half a second by then, and ends the episode.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012

    def __init__(
        self,
        task: str,
        robot: str = "panda",
        obs_type: str = PIXELS,
        render_mode: str | None = None,
        render_size: int = 256,
        cameras: str = "front_wrist",
        image_size: int | None = None,
        look: str | Mapping[str, Any] = "random",
        sensor: str = "none",
        sensors: Mapping[str, str] | None = None,
        antialias: bool = True,
        episode: Mapping[str, Any] | None = None,
        scene: Mapping[str, Any] | None = None,
    ) -> None:
        """`look`, `sensor` and the names in `sensors` are files of configs/, as on the command
        line; `look`, `episode` and `scene` take fields of their configurations too."""
        lookup("obs_type", obs_type, OBSERVATIONS)
        if render_mode not in (None, "rgb_array"):
            raise RobokilnError(f"render_mode '{render_mode}' not found; available: rgb_array")
        self._setup = setup(
            task,
            robot,
            cameras,
            image_size,
            look,
            sensor,
            sensors or {},
            episode,
            scene,
        )
        config = self._setup.episode
        self.metadata = {**self.metadata, "render_fps": config.control_hz}
        self.render_mode, self._render_size = render_mode, render_size
        self._sees, self._antialias = obs_type == PIXELS, antialias
        self.action_space = action_space()
        self.observation_space = observation_space(self._setup.cameras if self._sees else ())
        self.task, self.task_description = task, ""
        self._max_episode_steps = config.limit(self._setup.task.horizon)
        self._world: BulletWorld | None = None
        self._stepper: Stepper | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The scene called `seed`, or the next of those that the last seed leads to."""
        super().reset(seed=seed)
        for name in options or {}:
            raise RobokilnError(f"reset: option '{name}' not found; there are none")
        self._begin(int(self.np_random.integers(SCENES)) if seed is None else seed)
        return self._observation(), self._info()

    def step(self, action: Array) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Move towards the target [10] for one control step."""
        stepper = self._running()
        if stepper.ended:
            raise ResetNeeded(f"the episode is over ({stepper.ended}); call reset")
        stepper.step(checked(action))
        ended, success = stepper.ended, stepper.ended == SUCCESS
        over = ended not in ("", LIMIT)
        return self._observation(), float(success), over, ended == LIMIT, self._info()

    def render(self) -> Array | None:
        """The first camera's view, uint8 [S, S, 3]; None without a render mode."""
        if self.render_mode is None:
            return None
        stepper = self._running()
        if stepper.ended == DIVERGED:
            return np.zeros((self._render_size, self._render_size, 3), np.uint8)
        return self._observer.picture(stepper.links, self._shown)

    def close(self) -> None:
        """Free the engine."""
        if self._world is not None:
            self._world.close()
        self._world = self._stepper = None

    def expert_action(self) -> Array:
        """What the task's expert, who sees everything, would do now: float32 [10]."""
        stepper, made = self._running(), self._setup
        expert = Expert(made.task, stepper.spec, made.episode)
        return expert.act(stepper.observation()).astype(np.float32)

    def _begin(self, scene: int) -> None:
        made, config = self._setup, self._setup.episode
        self._stepper = None  # should this fail, the world is no longer the last scene's
        if self._world is None:
            self._world = BulletWorld(config.control_hz, config.physics_hz)
        what = (made.task, made.robot, made.cameras, made.scene)
        spec, attempt = held_out_scene(self._world, *what, EVALUATION_SEED, scene)
        where = (Domain.EVALUATION, EVALUATION_SEED, scene, attempt)
        look = sample_look(spec, generator(*where, Stream.LOOK), made.look)
        self._observer = Observer(spec, look, made.sensors, sensor_draws(*where), self._antialias)
        view = scene_cameras(spec, look)[0]
        self._shown = resized(view, self._render_size, self._render_size)
        self._stepper = Stepper(self._world, made.task, spec, config, self._observer)
        self._scene, self.task_description = scene, spec.instruction

    def _running(self) -> Stepper:
        if self._stepper is None:
            raise ResetNeeded("there is no scene yet; call reset")
        return self._stepper

    def _observation(self) -> dict[str, Any]:
        """Under the names that LeRobot's evaluation asks of environments."""
        stepper = self._running()
        if stepper.ended == DIVERGED:
            return dict(nothing(self.observation_space))
        now = stepper.observation()
        found: dict[str, Any] = {"agent_pos": now.proprioception}
        if self._sees:
            return {**found, "pixels": now.images()}
        return {**found, "environment_state": now.target_goal_pose.astype(np.float32)}

    def _info(self) -> dict[str, Any]:
        ended = self._running().ended
        return {"is_success": ended == SUCCESS, "ended": ended, "scene": self._scene}
