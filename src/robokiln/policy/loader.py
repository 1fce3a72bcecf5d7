"""Training batches: a pure function of the demonstrations, the seed and the step."""

from __future__ import annotations

import numpy as np
import torch
from numpy.random import Generator

from robokiln import seeds
from robokiln.policy.config import TrainConfig
from robokiln.policy.demonstrations import Demonstrations, role_pixels
from robokiln.policy.facing import quarter_of, seen_by_tool
from robokiln.policy.hindsight import LACKING, stands_instead
from robokiln.policy.language import make_encoder
from robokiln.policy.pictures import Pictures
from robokiln.policy.roles import ROLES
from robokiln.policy.spec import Inputs, Labels, PolicySpec, make_inputs, to_tensor
from robokiln.policy.transforms import ToRelative
from robokiln.types import ACTION_DIM, Array

CPU = torch.device("cpu")
R = len(ROLES)
ELSEWHERE, LIFTED = 0.1, 0.3
"""Metres by which imagined things are elsewhere at most, and the share of them that is so also in
height: most things stay on what they stand on."""
MISSED, DOUBT, HIDDEN, UNSURE = 0.6, 0.1, 0.1, 0.6
"""Pixels by which imagined marks are off, how unsure they are of being in the picture at most, the
share of things that something hides, and how sure their marks are at most."""
ABSENT = 0.3
"""The share of other instructions that name something that is not there."""


class Loader:
    """`batch(step)`; since nothing else is remembered, training resumes anywhere."""

    def __init__(
        self,
        data: Demonstrations,
        spec: PolicySpec,
        config: TrainConfig,
        device: torch.device = CPU,
    ) -> None:
        self.pictures = Pictures(data.frames, device)
        self.data, self.spec, self.config = data, spec, config
        self.encoder = make_encoder(spec)
        self._order: tuple[int, Array] = (-1, np.zeros(0, np.int64))

    def _generator(self, number: int, index: int) -> Generator:
        stream = seeds.Stream.POLICY
        return seeds.generator(seeds.Domain.TRAINING, self.config.seed, number, 0, stream, index)

    def rows(self, step: int) -> Array:
        """The frames of a batch: each epoch sees every frame once, in an order of its own."""
        size = self.config.batch_size
        places = np.arange(step * size, (step + 1) * size)
        return np.array([self._shuffled(int(p) // len(self.data))[p % len(self.data)]
                         for p in places])  # fmt: skip

    def _shuffled(self, epoch: int) -> Array:
        if self._order[0] != epoch:
            self._order = (epoch, self._generator(epoch, 1).permutation(len(self.data)))
        return self._order[1]

    def batch(self, step: int) -> tuple[Inputs, Labels]:
        """Random crops, withheld proprioception and the labels that moved with the crops."""
        rng = self._generator(step, 2)
        return self.gather(self.rows(step), self._corners(rng), rng)

    def _corners(self, rng: Generator) -> dict[str, Array]:
        corners = {}
        for camera in self.spec.cameras:
            height, width = self.spec.crop(camera)
            room = np.array([camera.width - width, camera.height - height])
            corners[camera.name] = rng.integers(0, room + 1, (self.config.batch_size, 2))
        return corners

    def gather(
        self, rows: Array, corners: dict[str, Array], rng: Generator
    ) -> tuple[Inputs, Labels]:
        data, spec = self.data, self.spec
        proprioception = data.proprioception[rows].astype(np.float64)
        tokens, stands, bodies, acted = self._said(rows, rng)
        places, sides = stands[..., :3], stands[..., 3:]
        images, pixels, shown_by, quarters = {}, {}, {}, {}
        for i, camera in enumerate(spec.cameras):
            corner = corners[camera.name]
            images[camera.name] = self.pictures(camera.name, rows, corner, spec.crop(camera))
            pixels[camera.name] = self._pixels(i, rows, proprioception, places)
            pixels[camera.name][..., :2] -= corner[:, None]
            carried = camera.frame == "tool"
            seen = seen_by_tool(sides, proprioception) if carried else sides
            quarters[camera.name] = quarter_of(seen)
            shown_by[camera.name] = data.shown[rows[:, None], i, bodies] & (bodies != LACKING)
        shown = rng.random(len(rows)) >= self.config.proprioception_dropout
        poses = data.target_goal_pose[rows]
        inputs = make_inputs(spec, images, corners, tokens, proprioception, poses, shown)
        ahead = data.chunk_rows(rows, spec.chunk)
        chunk = ToRelative()(data.action[ahead], proprioception)
        motion = spec.chunk_scale(chunk[..., :9].reshape(len(rows), -1))
        noise = rng.standard_normal((len(rows), spec.chunk * ACTION_DIM))
        blur = self.config.place_noise * rng.standard_normal(places.shape)
        imagined, there = self._imagined(rows, proprioception, rng)
        labels = Labels(
            to_tensor(motion.reshape(len(rows), spec.chunk, 9)),
            to_tensor(chunk[..., 9].clip(0, 1)),
            to_tensor(noise),
            {name: to_tensor(value) for name, value in pixels.items()},
            {name: to_tensor(value) for name, value in shown_by.items()},
            {name: to_tensor(value) for name, value in quarters.items()},
            to_tensor(spec.position(places)),
            to_tensor(data.named[data.episode[rows]]),
            to_tensor(bodies != LACKING),
            to_tensor(acted[:, None] * data.holds(ahead)),
            to_tensor(blur),
            {name: to_tensor(value) for name, value in imagined.items()},
            to_tensor(spec.position(there)),
            to_tensor(rng.random(len(rows)) >= self.config.blindness),
        )
        return inputs, labels

    def _imagined(
        self, rows: Array, proprioception: Array, rng: Generator
    ) -> tuple[dict[str, Array], Array]:
        """Marks of things that are elsewhere, camera -> [B, R, 4], and where they are [B, R, 3]:
        what places things from marks learns the cameras' geometry, not where things were."""
        there = self.data.places[rows] + rng.uniform(-ELSEWHERE, ELSEWHERE, (len(rows), R, 3))
        lifted = rng.random((len(rows), R)) < LIFTED
        there[..., 2] = np.where(lifted, there[..., 2] + ELSEWHERE, self.data.places[rows][..., 2])
        marks = {}
        for i, camera in enumerate(self.spec.cameras):
            pixels = self._pixels(i, rows, proprioception, there)
            size = np.array([camera.width, camera.height])
            seen = ((pixels >= 0) & (pixels < [*size, np.inf])).all(-1, keepdims=True)
            hidden = rng.random(seen.shape) < HIDDEN
            at = pixels[..., :2] + MISSED * rng.standard_normal(pixels[..., :2].shape)
            at = np.where(seen & ~hidden, at, rng.uniform(0, size, at.shape)) / size * 2 - 1
            doubt = rng.uniform(0, DOUBT, seen.shape)
            sure = rng.uniform(0.5, 1.0, seen.shape) * np.where(seen & ~hidden, 1.0, UNSURE)
            found = np.where(seen & ~hidden, 1 - doubt, doubt)
            marks[camera.name] = np.concatenate([at, found, sure], -1)
        return marks, there

    def _pixels(self, camera: int, rows: Array, proprioception: Array, places: Array) -> Array:
        """Where the roles are in the pictures of the spec's camera of this number: [B, R, 3]."""
        views, found = self.data.views[self.data.episode[rows]], np.empty_like(places, np.float32)
        for view in np.unique(views):
            here = views == view
            seen_by = self.data.cameras[view][camera]
            found[here] = role_pixels(seen_by, proprioception[here], places[here])
        return found

    def _said(self, rows: Array, rng: Generator) -> tuple[Array, Array, Array, Array]:
        """Tokens, how what they name stands [B, R, 6] and its bodies [B, R], and whether it was
        acted on."""
        episodes = self.data.episode[rows]
        texts = [self.data.instructions[e] for e in episodes]
        stands = self.data.stands[rows].astype(np.float64)
        bodies, acted = self.data.bodies[episodes], np.ones(len(rows))
        for i in np.flatnonzero(rng.random(len(rows)) < self.config.hindsight):
            lacks = rng.random() < ABSENT
            found = (self.data.lacking if lacks else self.data.alternatives)[episodes[i]]
            if found:
                choice = int(rng.integers(len(found)))
                texts[i] = found[choice].instruction
                stands[i] = stands_instead(found[choice], stands[i])
                bodies[i] = found[choice].instead(bodies[i])
                acted[i] = 0.0
        return self.encoder.encode(texts), stands, bodies, acted
