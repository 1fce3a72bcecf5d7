"""From a scene, its poses and a look to pictures: color, depth and segmentation for each camera."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from robokiln.frames.cameras import camera_poses
from robokiln.frames.color import srgb_table, to_linear
from robokiln.frames.model import scene_model
from robokiln.frames.raster import View, draw_triangles, place
from robokiln.frames.shade import Paints, shade_picture
from robokiln.frames.shadows import FURNITURE, light_views, make_lights, shadowed_region
from robokiln.geometry import intrinsics, quat_to_matrix
from robokiln.scene.robots import visual_links
from robokiln.types import Array, Camera, Frames, Look, RobokilnError, SceneSpec

NO_LABELS = np.empty((0, 0), np.int32)


class Renderer:
    """Draws one scene in one look, as often as asked; everything that poses leave alone is kept.

    With `supersample` s, color is averaged in linear light over (2 s - 1)^2 samples; depth and
    segmentation are always those of the pixel's centre. Not for several threads at once.
    """

    def __init__(self, spec: SceneSpec, look: Look, supersample: int = 1) -> None:
        if len(look.materials) != len(spec.bodies):
            raise RobokilnError(
                f"look: expected {len(spec.bodies)} materials (one a body), "
                f"got {len(look.materials)}"
            )
        if not 1 <= supersample <= 4:
            raise RobokilnError(f"supersample: expected 1 to 4, got {supersample}")
        self.spec = spec
        self.supersample = supersample
        model = scene_model(spec)
        self._triangles = model.triangles
        self._paints = _paints(model.robot_colors, look)
        self._vertices = np.empty_like(model.triangles.vertices)
        self._normals = np.empty_like(model.triangles.vertices)
        self._screen = np.empty_like(model.triangles.vertices)
        self._spheres = np.empty_like(model.triangles.spheres)
        self._buffers: dict[tuple[int, int], tuple[Array, Array]] = {}
        first = model.triangles.spheres[-len(spec.bodies) :].copy()
        first[:, :3] += np.array([body.pose[:3] for body in spec.bodies])
        self._lights = make_lights(look, *shadowed_region(first))

    def render(
        self, link_poses: Array, cameras: Sequence[Camera] | None = None
    ) -> dict[str, Frames]:
        """Pictures of link_poses float32 [T, L, 7], rows as in `visual_links`, by camera name."""
        cameras = self.spec.cameras if cameras is None else cameras
        poses = _checked_poses(self.spec, link_poses)
        views = {camera.name: self._views(camera, poses) for camera in cameras}
        frames = {camera.name: _empty_frames(camera, len(poses)) for camera in cameras}
        for t in range(len(poses)):
            place(self._triangles, poses[t], self._vertices, self._normals, self._spheres)
            self._cast_shadows()
            for name, camera_views in views.items():
                self._draw(camera_views[t], frames[name], t)
        return frames

    def _cast_shadows(self) -> None:
        casters = self._spheres.copy()
        casters[casters[:, 3] > FURNITURE, 3] = 0
        for i, view in enumerate(light_views(self._lights)):
            depth = self._lights.maps[i]
            draw_triangles(
                self._triangles, self._vertices, casters, view, self._screen, depth, NO_LABELS
            )

    def _draw(self, view: View, frames: Frames, t: int) -> None:
        nearness, labels = self._buffer(*frames.depth.shape[1:])
        draw_triangles(
            self._triangles, self._vertices, self._spheres, view, self._screen, nearness, labels
        )
        shade_picture(
            self._triangles,
            self._vertices,
            self._normals,
            self._paints,
            self._lights,
            view,
            labels,
            self.supersample,
            srgb_table(),
            frames.rgb[t],
            frames.depth[t],
            frames.segmentation[t],
        )

    def _buffer(self, height: int, width: int) -> tuple[Array, Array]:
        """Nearness and labels; with supersampling, samples also lie on the pixels' borders."""
        if (height, width) not in self._buffers:
            s = self.supersample
            shape = (s * height + s - 1, s * width + s - 1)
            self._buffers[height, width] = np.empty(shape, np.float32), np.empty(shape, np.int32)
        return self._buffers[height, width]

    def _views(self, camera: Camera, poses: Array) -> list[View]:
        """The camera in samples at each step: sample s x + s - 1 is the centre of pixel x."""
        k = intrinsics(camera) * self.supersample
        shift = (self.supersample - 1) / 2
        focal, cx, cy = (np.float32(v) for v in (k[1, 1], k[0, 2] + shift, k[1, 2] + shift))
        world = camera_poses(self.spec, camera, poses)
        axes = np.swapaxes(quat_to_matrix(world[:, 3:]), 1, 2)
        axes = np.ascontiguousarray(axes, np.float32)
        eyes = np.ascontiguousarray(world[:, :3], np.float32)
        one = np.float32(1)
        return [View(a, e, focal, one, cx, cy) for a, e in zip(axes, eyes, strict=True)]


def render(
    spec: SceneSpec,
    link_poses: Array,
    look: Look,
    cameras: Sequence[Camera] | None = None,
    supersample: int = 1,
) -> dict[str, Frames]:
    """Pictures of link_poses float32 [T, L, 7] by camera name; see `Renderer`."""
    return Renderer(spec, look, supersample).render(link_poses, cameras)


def _paints(robot_colors: Array, look: Look) -> Paints:
    """Paints in the model's order: the robot's colors under the look's tint, then the bodies."""
    robot = look.robot
    arm = to_linear(robot_colors) * to_linear(np.array(robot.color))
    rows = [(*color, robot.roughness, robot.metallic) for color in arm]
    for material in look.materials:
        color = to_linear(np.array(material.color))
        rows.append((*color, material.roughness, material.metallic))
    owner = [1] * len(arm) + [2 + i for i in range(len(look.materials))]
    surface = np.array(rows, np.float32)
    surface[:, 3] = np.maximum(surface[:, 3], 0.15)  # a smoother highlight is smaller than a pixel
    return Paints(surface, np.array(owner, np.uint16))


def _checked_poses(spec: SceneSpec, link_poses: Array) -> Array:
    links = len(visual_links(spec))
    if link_poses.ndim != 3 or link_poses.shape[1:] != (links, 7):
        raise RobokilnError(
            f"link_poses: expected shape [T, {links}, 7] as in visual_links, got {link_poses.shape}"
        )
    return np.ascontiguousarray(link_poses, np.float32)


def _empty_frames(camera: Camera, steps: int) -> Frames:
    shape = (steps, camera.height, camera.width)
    return Frames(
        np.empty((*shape, 3), np.uint8), np.empty(shape, np.float32), np.empty(shape, np.uint16)
    )
