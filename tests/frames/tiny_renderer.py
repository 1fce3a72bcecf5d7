"""PyBullet's software renderer drawing our scenes, for tests and benchmarks to compare with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pybullet

from robokiln import frames
from robokiln.assets import build_mesh
from robokiln.frames.meshes import robot_meshes
from robokiln.geometry import inverse, pose_to_matrix
from robokiln.scene import robots
from robokiln.types import Array, SceneSpec

NEAR, FAR = 0.01, 10.0


class TinyRenderer:
    """A scene whose visuals are placed as `link_poses` says; shadows on.

    The robot's meshes are the model's own files, or those that our renderer draws (`prepared`).
    """

    def __init__(self, spec: SceneSpec, prepared: bool = False) -> None:
        self.spec = spec
        self._client = pybullet.connect(pybullet.DIRECT)
        robot = robots.get(spec.robot)
        if prepared:
            self._rows = [self._mesh(m.vertices, m.normals, m.faces) for m in robot_meshes(robot)]
        else:
            self._rows = [self._file(str(v.mesh), v.origin) for v in robot.visuals]
        self._robot = len(self._rows)
        for body in spec.bodies:
            mesh = build_mesh(body.shape)
            self._rows.append(self._mesh(mesh.vertices, mesh.normals, mesh.faces))
        self._ids = [i for parts in self._rows for i in parts]

    def _file(self, file: str, origin: Sequence[float]) -> list[int]:
        shape = pybullet.createVisualShape(
            pybullet.GEOM_MESH,
            fileName=file,
            visualFramePosition=origin[:3],
            visualFrameOrientation=origin[3:],
            physicsClientId=self._client,
        )
        return [self._body(shape)]

    def _mesh(self, vertices: Array, normals: Array, faces: Array) -> list[int]:
        """Bodies of at most 2,000 triangles each: PyBullet limits what one call may pass."""
        parts = []
        for start in range(0, len(faces), 2000):
            used, index = np.unique(faces[start : start + 2000], return_inverse=True)
            shape = pybullet.createVisualShape(
                pybullet.GEOM_MESH,
                vertices=vertices[used].tolist(),
                indices=index.ravel().tolist(),
                normals=normals[used].tolist(),
                physicsClientId=self._client,
            )
            parts.append(self._body(shape))
        return parts

    def _body(self, shape: int) -> int:
        return int(
            pybullet.createMultiBody(baseVisualShapeIndex=shape, physicsClientId=self._client)
        )

    def render(self, poses: Array) -> dict[str, tuple[Array, Array]]:
        """Segmentation (our ids) and metric depth by camera, at poses [L, 7]."""
        for parts, pose in zip(self._rows, poses.tolist(), strict=True):
            for body in parts:
                pybullet.resetBasePositionAndOrientation(
                    body, pose[:3], pose[3:], physicsClientId=self._client
                )
        return {camera: self._picture(camera, poses) for camera in self._cameras()}

    def _cameras(self) -> list[str]:
        return [camera.name for camera in self.spec.cameras]

    def _picture(self, name: str, poses: Array) -> tuple[Array, Array]:
        camera = next(c for c in self.spec.cameras if c.name == name)
        where = frames.camera_poses(self.spec, camera, poses[None])[0]
        view = np.diag([1.0, -1.0, -1.0, 1.0]) @ pose_to_matrix(inverse(where))
        lens = (camera.fov, camera.width / camera.height, NEAR, FAR)
        _, _, _, depth, segmentation = pybullet.getCameraImage(
            camera.width,
            camera.height,
            view.T.ravel().tolist(),
            pybullet.computeProjectionMatrixFOV(*lens),
            shadow=1,
            renderer=pybullet.ER_TINY_RENDERER,
            physicsClientId=self._client,
        )
        size = (camera.height, camera.width)
        depth = np.reshape(depth, size).astype(float)
        metric = FAR * NEAR / (FAR - (FAR - NEAR) * depth)
        return self._ours(np.reshape(segmentation, size)), metric

    def _ours(self, segmentation: Array) -> Array:
        numbers = np.zeros(max(self._ids) + 2, np.uint16)
        for row, parts in enumerate(self._rows):
            for body in parts:
                numbers[body] = 1 if row < self._robot else 2 + row - self._robot
        return np.where(segmentation < 0, 0, numbers[segmentation])

    def close(self) -> None:
        """Disconnect."""
        pybullet.disconnect(self._client)
