"""The pictures that an actor sees while it acts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from robokiln.frames.sensors import Capture, SensorConfig
from robokiln.seeds import Draws
from robokiln.types import Array, Camera, Look, SceneSpec


class Observer:
    """Renders one scene when it is asked to, as `episode.run` asks; until then it costs nothing."""

    def __init__(
        self,
        spec: SceneSpec,
        look: Look,
        sensors: Mapping[str, SensorConfig],
        draws: Draws,
        antialias: bool,
    ) -> None:
        @cache
        def capture() -> Capture:
            return Capture(spec, look, sensors, draws, antialias)

        self._capture = capture

    def __call__(self, _: SceneSpec, recent: Array) -> dict[str, Array]:
        """uint8 [H, W, 3] by camera, of link poses [2, L, 7] of the last step and of this one."""
        frames = self._capture().frames(recent[-1:], previous=recent[0])
        return {name: images.rgb[0] for name, images in frames.items()}

    def picture(self, links: Array, camera: Camera) -> Array:
        """uint8 [H, W, 3] of link poses [L, 7] from anywhere, as no sensor disturbs it."""
        return self._capture().renderer.render(links[None], [camera])[camera.name].rgb[0]
