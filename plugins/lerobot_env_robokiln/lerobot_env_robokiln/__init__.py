"""`--env.type=robokiln`: importing this registers robokiln's environments with LeRobot."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gymnasium import spaces
from lerobot.configs.types import FeatureType, PolicyFeature
from lerobot.envs.configs import EnvConfig
from lerobot.utils.constants import ACTION, OBS_ENV_STATE, OBS_IMAGES, OBS_STATE

from robokiln.env import IDS
from robokiln.env.environment import Environment
from robokiln.types import lookup

STATES = {"agent_pos": OBS_STATE, "environment_state": OBS_ENV_STATE}


@EnvConfig.register_subclass("robokiln")
@dataclass
class RobokilnEnv(EnvConfig):
    """A task of robokiln by its own name; the other fields are options of its environment."""

    task: str | None = "pick_place"
    fps: int = 20
    robot: str = "panda"
    obs_type: str = "pixels_agent_pos"
    cameras: str = "front_wrist"
    image_size: int | None = None
    look: str = "random"
    sensor: str = "none"
    sensors: dict[str, str] = field(default_factory=dict)
    scene: dict[str, str] = field(default_factory=dict)
    episode_length: int | None = None
    render_mode: str = "rgb_array"

    def __post_init__(self) -> None:
        """Features follow from the environment's own spaces; nothing is simulated for them."""
        env = Environment(str(self.task), **self.gym_kwargs)
        self.features = {ACTION: _feature(FeatureType.ACTION, env.action_space)}
        self.features_map = {ACTION: ACTION}
        for name, space in env.observation_space.spaces.items():
            if isinstance(space, spaces.Dict):
                for camera, picture in space.spaces.items():
                    self.features[f"{name}/{camera}"] = _feature(FeatureType.VISUAL, picture)
                    self.features_map[f"{name}/{camera}"] = f"{OBS_IMAGES}.{camera}"
            else:
                kind = FeatureType.STATE if name == "agent_pos" else FeatureType.ENV
                self.features[name] = _feature(kind, space)
                self.features_map[name] = STATES[name]

    @property
    def package_name(self) -> str:
        """What registers the environments."""
        return "robokiln.env"

    @property
    def gym_id(self) -> str:
        """What `gymnasium.make` calls the task."""
        return str(lookup("task", str(self.task), IDS))

    @property
    def gym_kwargs(self) -> dict[str, Any]:
        """The environment's options."""
        names = ("robot", "obs_type", "cameras", "image_size", "look", "sensor", "sensors", "scene")
        episode = {"control_hz": self.fps}
        if self.episode_length is not None:
            episode["max_steps"] = self.episode_length
        options = {name: getattr(self, name) for name in names}
        return {**options, "render_mode": self.render_mode, "episode": episode}


def _feature(kind: FeatureType, space: spaces.Space[Any]) -> PolicyFeature:
    assert space.shape is not None
    return PolicyFeature(type=kind, shape=tuple(space.shape))
