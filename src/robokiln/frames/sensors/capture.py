"""What cameras record of a scene that moves: the renderer, and each camera's sensor behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from robokiln.frames.renderer import Renderer, scene_cameras
from robokiln.frames.sensors.config import SensorConfig
from robokiln.frames.sensors.exposure import MotionBlur
from robokiln.frames.sensors.head import SensorHead
from robokiln.seeds import Draws
from robokiln.types import Array, Camera, Frames, Look, SceneSpec, lookup


class Capture:
    """The pictures of one episode in one look: all of them at once, or step by step.

    `sensors` maps names of cameras to their sensors; a camera without one gives the renderer's own
    bytes. With `extras` frames carry normals and links too. Noise goes on from call to call: the
    same steps in any portions give the same pictures.
    """

    def __init__(
        self,
        spec: SceneSpec,
        look: Look,
        sensors: Mapping[str, SensorConfig],
        draws: Draws,
        antialias: bool = False,
        cameras: Sequence[Camera] | None = None,
        extras: bool = False,
    ) -> None:
        if cameras is None:
            cameras = scene_cameras(spec, look)
        by_name = {camera.name: camera for camera in cameras}
        used = {name: sensor for name, sensor in sensors.items() if not sensor.ideal}
        for name in used:
            lookup("sensors: camera", name, by_name)
        self.cameras = tuple(cameras)
        self._clean = [camera for camera in cameras if camera.name not in used]
        self._heads = [SensorHead(by_name[n], s, draws) for n, s in used.items()]
        self.renderer = Renderer(spec, look, antialias, extras)
        self._last: Array | None = None

    def frames(self, link_poses: Array, previous: Array | None = None) -> dict[str, Frames]:
        """Pictures of link_poses float32 [T, L, 7], rows as in `visual_links`, by camera name.

        `previous` [L, 7] are the poses one control step before the first, for motion blur; without
        it they are those of the last call, and at the very first nothing has moved yet.
        """
        before = self._last if previous is None else previous
        before = link_poses[0] if before is None else before
        self._last = link_poses[-1]
        still = [head for head in self._heads if head.sensor.blur is None]
        views = [*self._clean, *(head.rendered for head in still)]
        found = self.renderer.render(link_poses, views) if views else {}
        for head in still:
            clean = found[head.camera.name]
            steps = [head.record(_step(clean, t)) for t in range(len(link_poses))]
            found[head.camera.name] = _joined(steps)
        for blur in {h.sensor.blur: None for h in self._heads if h.sensor.blur is not None}:
            found |= self._blurred(blur, link_poses, before)
        return {camera.name: found[camera.name] for camera in self.cameras}

    def _blurred(self, blur: MotionBlur, link_poses: Array, before: Array) -> dict[str, Frames]:
        """Those cameras that share a shutter, a step at a time: sub-frames take much memory."""
        heads = [head for head in self._heads if head.sensor.blur == blur]
        views = [head.rendered for head in heads]
        steps: dict[str, list[Frames]] = {view.name: [] for view in views}
        for last, now in zip([before, *link_poses[:-1]], link_poses, strict=True):
            clean = self.renderer.render(blur.poses(last, now), views)
            for head in heads:
                steps[head.camera.name].append(head.record(clean[head.camera.name]))
        return {name: _joined(found) for name, found in steps.items()}


def _step(frames: Frames, t: int) -> Frames:
    arrays = {n: a[t : t + 1] for n, a in vars(frames).items() if a is not None}
    return Frames(**arrays)


def _joined(steps: Sequence[Frames]) -> Frames:
    names = [name for name, array in vars(steps[0]).items() if array is not None]
    return Frames(**{n: np.concatenate([getattr(s, n) for s in steps]) for n in names})
