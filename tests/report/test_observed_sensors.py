"""What an actor sees in closed loop is what generation would have recorded at that step."""

from dataclasses import replace

import numpy as np
from worlds import CONFIG, TASK, scene

from robokiln.episode import Expert, run
from robokiln.frames import Capture, LookConfig, Observer, SensorConfig, sample_look
from robokiln.frames.sensors import MotionBlur
from robokiln.physics.bullet import BulletWorld
from robokiln.seeds import Domain, sensor_draws
from robokiln.types import Array, Observation, SceneSpec


class Glancing(Expert):
    """An expert that looks at every third step, as policies with chunks do."""

    def __init__(self, spec: SceneSpec) -> None:
        super().__init__(TASK, spec, CONFIG)
        self.seen: list[Array] = []
        self._step = 0

    def act(self, observation: Observation) -> Array:
        if self._step % 3 == 0:
            self.seen.append(observation.images()["wrist"])
        self._step += 1
        return super().act(observation)


def test_blur_is_that_of_one_step_however_seldom_an_actor_looks(world: BulletWorld) -> None:
    spec = scene(world, 0)
    sensors = {"wrist": SensorConfig(blur=MotionBlur(1.0, 2))}
    look = sample_look(spec, np.random.default_rng(0), LookConfig())
    draws, actor = sensor_draws(Domain.EVALUATION, 0, 0, 0), Glancing(spec)
    short = replace(CONFIG, max_steps=13)
    observe = Observer(spec, look, sensors, draws, antialias=True)
    episode = run(world, TASK, spec, actor, short, observe=observe)
    whole = Capture(spec, look, sensors, draws, antialias=True)
    recorded = whole.frames(episode.link_poses)["wrist"].rgb
    assert np.array_equal(np.stack(actor.seen), recorded[::3])
    still = Capture(spec, look, {}, draws, antialias=True)
    assert not np.array_equal(recorded, still.frames(episode.link_poses)["wrist"].rgb)
