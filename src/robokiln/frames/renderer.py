"""From a scene, its poses and a look to pictures: color, depth and segmentation for each camera."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from robokiln.frames.block import make_block
from robokiln.frames.cameras import camera_poses
from robokiln.frames.checks import check_look, check_names
from robokiln.frames.color import srgb_codes, to_linear
from robokiln.frames.model import scene_model
from robokiln.frames.placing import View, make_placed, place
from robokiln.frames.raster import clear, draw_triangles
from robokiln.frames.shade import Paints, shade_picture
from robokiln.frames.shadows import Shadows
from robokiln.frames.simd import WIDTH
from robokiln.frames.texture import SIZE as TEXELS
from robokiln.frames.texture import make_atlas
from robokiln.frames.visible import find_visible, forget, make_visible, write_extras, write_geometry
from robokiln.geometry import intrinsics, quat_to_matrix
from robokiln.scene.robots import visual_links
from robokiln.types import Array, Camera, Frames, Look, Material, RobokilnError, SceneSpec

SMOOTHEST = 0.15
"""Least roughness: a smoother highlight of a light is smaller than a pixel."""


@dataclass(frozen=True)
class Samples:
    """A picture's samples: nearness float32 and labels int32, flat."""

    nearness: Array
    labels: Array


class Renderer:
    """Draws one scene in one look, as often as asked; everything that poses leave alone is kept.

    With `antialias`, color is averaged in linear light over the nine samples round a pixel's centre
    on a grid of four samples a pixel; depth and ids are always those of the centre. With `extras`,
    frames carry normals and links too. Materials are opaque. Not for several threads at once.
    """

    def __init__(
        self, spec: SceneSpec, look: Look, antialias: bool = False, extras: bool = False
    ) -> None:
        check_look(look, len(spec.bodies))
        self.spec, self.look = spec, look
        self._supersample = 2 if antialias else 1
        self._extras = extras
        model = scene_model(spec, look)
        self._triangles = model.triangles
        materials = _materials(model.robot_colors, look)
        self._atlas, images = make_atlas(materials)
        self._paints = _paints(look, materials, images, len(model.robot_colors))
        self._placed = make_placed(model.triangles)
        self._visible = make_visible(model.triangles)
        self._block = make_block()
        self._props = np.array([p.pose for p in look.props], np.float32).reshape(-1, 7)
        self._all = np.ones(len(model.triangles.spheres), bool)
        self._samples: dict[tuple[int, int], Samples] = {}
        self._shadows = Shadows(look, self._first_spheres(), model.triangles.spheres[:, 3])

    def render(
        self, link_poses: Array, cameras: Sequence[Camera] | None = None
    ) -> dict[str, Frames]:
        """Pictures of link_poses float32 [T, L, 7], rows as in `visual_links`, by camera name."""
        cameras = scene_cameras(self.spec, self.look) if cameras is None else cameras
        check_names(cameras)
        poses = _checked_poses(self.spec, link_poses)
        views = {camera.name: self._views(camera, poses) for camera in cameras}
        frames = {
            camera.name: _empty_frames(camera, len(poses), self._extras) for camera in cameras
        }
        for t in range(len(poses)):
            step = np.concatenate([poses[t], self._props])
            place(self._triangles, step, self._placed)
            self._shadows.cast(self._triangles, self._placed, step)
            for name, camera_views in views.items():
                self._draw(camera_views[t], frames[name], t)
        return frames

    def render_alone(
        self, link_poses: Array, cameras: Sequence[Camera] | None = None
    ) -> Iterator[tuple[str, Iterator[tuple[int, int, Array]]]]:
        """For each camera its name, and then the step, the body (0 the robot, 1 + i the spec's
        body i) and uint16 [H, W]: 1 where that body would be seen if nothing else were there."""
        cameras = scene_cameras(self.spec, self.look) if cameras is None else cameras
        poses = _checked_poses(self.spec, link_poses)
        for camera in cameras:
            yield camera.name, self._masks(camera, poses)

    def _masks(self, camera: Camera, poses: Array) -> Iterator[tuple[int, int, Array]]:
        robot = len(visual_links(self.spec)) - len(self.spec.bodies)
        owner = np.maximum(np.arange(len(self._all)) - robot + 1, 0)
        s, views = self._supersample, self._views(camera, poses)
        for t, view in enumerate(views):
            samples = self._buffer(view)
            place(self._triangles, np.concatenate([poses[t], self._props]), self._placed)
            for body in range(1 + len(self.spec.bodies)):
                self._sample(owner == body, view, samples)
                grid = samples.labels[: view.width * view.height].reshape(view.height, view.width)
                yield t, body, (grid[s - 1 :: s, s - 1 :: s] > 0).astype(np.uint16)

    def _first_spheres(self) -> Array:
        """Bounding spheres of the bodies where the scene begins [B, 4]."""
        start = len(self._triangles.spheres) - len(self._props) - len(self.spec.bodies)
        spheres = self._triangles.spheres[start : start + len(self.spec.bodies)].copy()
        spheres[:, :3] += np.array([body.pose[:3] for body in self.spec.bodies])
        return spheres

    def _draw(self, view: View, frames: Frames, t: int) -> None:
        samples, s = self._buffer(view), self._supersample
        self._sample(self._all, view, samples)
        find_visible(self._triangles, self._placed, view, samples.labels, self._visible)
        write_geometry(
            self._triangles, self._paints.owner, view, s,
            samples.labels, self._visible,
            frames.depth[t].reshape(-1), frames.segmentation[t].reshape(-1),
        )  # fmt: skip
        shade_picture(
            self._triangles, self._paints, self._atlas, self._shadows.lights, view, s,
            samples.labels, self._visible, self._block, srgb_codes(), frames.rgb[t],
        )  # fmt: skip
        if frames.normals is not None and frames.links is not None:
            write_extras(
                self._triangles, view, s, samples.labels, self._visible,
                frames.depth[t], frames.normals[t], frames.links[t],
            )  # fmt: skip
        forget(self._visible)

    def _sample(self, links: Array, view: View, samples: Samples) -> None:
        samples.labels[:] = 0
        clear(samples.nearness, view)
        draw_triangles(self._triangles, self._placed, links, view, samples.nearness, samples.labels)

    def _buffer(self, view: View) -> Samples:
        """With antialiasing, samples also lie on the pixels' borders."""
        size = view.width, view.height
        if size not in self._samples:
            count = view.width * view.height + WIDTH
            self._samples[size] = Samples(np.empty(count, np.float32), np.empty(count, np.int32))
        return self._samples[size]

    def _views(self, camera: Camera, poses: Array) -> list[View]:
        """The camera in samples at each step: sample s x + s - 1 is the centre of pixel x."""
        s = self._supersample
        k = intrinsics(camera) * s
        shift = (s - 1) / 2
        fx, fy = np.float32(k[0, 0]), np.float32(k[1, 1])
        cx, cy = np.float32(k[0, 2] + shift), np.float32(k[1, 2] + shift)
        world = camera_poses(self.spec, camera, poses)
        axes = np.swapaxes(quat_to_matrix(world[:, 3:]), 1, 2)
        axes = np.ascontiguousarray(axes, np.float32)
        eyes = np.ascontiguousarray(world[:, :3], np.float32)
        width, height = s * camera.width + s - 1, s * camera.height + s - 1
        return [
            View(a, e, fx, fy, cx, cy, False, width, height)
            for a, e in zip(axes, eyes, strict=True)
        ]


def render(
    spec: SceneSpec,
    link_poses: Array,
    look: Look,
    cameras: Sequence[Camera] | None = None,
    antialias: bool = False,
    extras: bool = False,
) -> dict[str, Frames]:
    """Pictures of link_poses float32 [T, L, 7] by camera name; see `Renderer`."""
    return Renderer(spec, look, antialias, extras).render(link_poses, cameras)


def scene_cameras(spec: SceneSpec, look: Look) -> tuple[Camera, ...]:
    """The spec's cameras, with the look's in place of those that it moved."""
    moved = {camera.name: camera for camera in look.cameras}
    return tuple(moved.get(camera.name, camera) for camera in spec.cameras)


def _materials(robot_colors: Array, look: Look) -> list[Material]:
    """Materials in the order of the paints; the robot's colors are under the look's tint."""
    robot = look.robot
    arm = [
        Material(tuple(color), robot.roughness, robot.metallic, robot.texture)
        for color in robot_colors.tolist()
    ]
    return [*arm, *look.materials, *(prop.material for prop in look.props)]


def _paints(look: Look, materials: Sequence[Material], images: Array, robot: int) -> Paints:
    """The first `robot` materials are the robot's."""
    color = to_linear(np.array([m.color for m in materials]))
    color[:robot] *= to_linear(np.array(look.robot.color))
    rest = [(max(m.roughness, SMOOTHEST), m.metallic) for m in materials]
    owner = [1] * robot + [2 + i for i in range(len(materials) - robot)]
    density = [TEXELS / m.texture.scale if m.texture else 0.0 for m in materials]
    return Paints(
        np.concatenate([color, rest], axis=1).astype(np.float32),
        images,
        np.array(density, np.float32),
        np.array(owner, np.uint16),
    )


def _checked_poses(spec: SceneSpec, link_poses: Array) -> Array:
    links = len(visual_links(spec))
    link_poses = np.asarray(link_poses)
    if link_poses.ndim != 3 or link_poses.shape[1:] != (links, 7):
        raise RobokilnError(
            f"link_poses: expected shape [T, {links}, 7] as in visual_links, got {link_poses.shape}"
        )
    if not np.isfinite(link_poses).all():
        t, link = np.argwhere(~np.isfinite(link_poses))[0, :2]
        raise RobokilnError(
            f"link_poses: expected finite numbers, got {link_poses[t, link]} at step {t} for link "
            f"'{visual_links(spec)[link]}'"
        )
    return np.ascontiguousarray(link_poses, np.float32)


def _empty_frames(camera: Camera, steps: int, extras: bool) -> Frames:
    shape = (steps, camera.height, camera.width)
    return Frames(
        np.empty((*shape, 3), np.uint8),
        np.empty(shape, np.float32),
        np.empty(shape, np.uint16),
        np.empty((*shape, 3), np.float32) if extras else None,
        np.empty(shape, np.uint16) if extras else None,
    )
