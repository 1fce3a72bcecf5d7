"""CPU milliseconds an image (color, depth and segmentation), beside PyBullet's TinyRenderer.

A Panda over a table with eight objects, front and wrist camera in turn, a new pose for each image;
medians over rounds that alternate between the two renderers, on one core. TinyRenderer draws the
robot's original meshes; `times_tinyrenderer.original` is how many times as long it takes at 96x96.
`python benchmarks/render.py --json FILE`
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pybullet

from robokiln import frames
from robokiln.assets import build_mesh
from robokiln.geometry import inverse, pose_to_matrix
from robokiln.scene import robots
from robokiln.types import Array, SceneSpec

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "frames"))
from arranged import reach, resized, table_scene

SIZES = {"96": (96, 96), "128": (128, 128), "224": (224, 224), "640": (640, 480)}
STEPS = 20


class TinyRenderer:
    """The same scene in PyBullet, every visual placed as `link_poses` says; shadows on."""

    def __init__(self, spec: SceneSpec) -> None:
        self.spec = spec
        self.client = pybullet.connect(pybullet.DIRECT)
        robot = robots.get(spec.robot)
        self.ids = [self._mesh(str(v.mesh), v.origin) for v in robot.visuals]
        for body in spec.bodies:
            mesh = build_mesh(body.shape)
            shape = pybullet.createVisualShape(
                pybullet.GEOM_MESH,
                vertices=mesh.vertices.tolist(),
                indices=mesh.faces.ravel().tolist(),
                normals=mesh.normals.tolist(),
                physicsClientId=self.client,
            )
            self.ids.append(self._body(shape))

    def _mesh(self, file: str, origin: tuple[float, ...]) -> int:
        shape = pybullet.createVisualShape(
            pybullet.GEOM_MESH,
            fileName=file,
            visualFramePosition=origin[:3],
            visualFrameOrientation=origin[3:],
            physicsClientId=self.client,
        )
        return self._body(shape)

    def _body(self, shape: int) -> int:
        return int(
            pybullet.createMultiBody(baseVisualShapeIndex=shape, physicsClientId=self.client)
        )

    def render(self, poses: Array) -> None:
        """A picture from each camera at poses [L, 7]."""
        for body, pose in zip(self.ids, poses.tolist(), strict=True):
            pybullet.resetBasePositionAndOrientation(
                body, pose[:3], pose[3:], physicsClientId=self.client
            )
        for camera in self.spec.cameras:
            where = frames.camera_poses(self.spec, camera, poses[None])[0]
            view = np.diag([1.0, -1.0, -1.0, 1.0]) @ pose_to_matrix(inverse(where))
            lens = (camera.fov, camera.width / camera.height, 0.01, 5.0)
            pybullet.getCameraImage(
                camera.width,
                camera.height,
                view.T.ravel().tolist(),
                pybullet.computeProjectionMatrixFOV(*lens),
                shadow=1,
                renderer=pybullet.ER_TINY_RENDERER,
                physicsClientId=self.client,
            )


def cpu_ms(function: Callable[[], object]) -> float:
    start = time.process_time()
    function()
    return (time.process_time() - start) * 1e3


def measure(size: tuple[int, int], rounds: int) -> dict[str, float]:
    """Medians over rounds of one episode's images each, ours with and without supersampling."""
    spec = resized(table_scene(), *size)
    look = frames.sample_look(spec, np.random.default_rng(0), frames.LookConfig())
    ours = {s: frames.Renderer(spec, look, s) for s in (1, 2)}
    tiny, poses = TinyRenderer(spec), reach(STEPS)
    images = STEPS * len(spec.cameras)
    times: dict[str, list[float]] = {"plain": [], "supersampled": [], "tinyrenderer": []}
    for renderer in ours.values():
        renderer.render(poses[:1])
    for i in range(rounds):
        times["plain"].append(cpu_ms(lambda: ours[1].render(poses)) / images)
        times["supersampled"].append(cpu_ms(lambda: ours[2].render(poses)) / images)
        times["tinyrenderer"].append(
            cpu_ms(lambda i=i: tiny.render(poses[i % STEPS])) / len(spec.cameras)
        )
    pybullet.disconnect(tiny.client)
    return {name: round(float(np.median(values)), 3) for name, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    warm = frames.warm_up()
    found = {name: measure(size, arguments.rounds) for name, size in SIZES.items()}
    keys = {"ms_per_image": "plain", "ms_per_image_supersampled": "supersampled"}
    keys["ms_per_image_tinyrenderer"] = "tinyrenderer"
    result: dict[str, object] = {k: {n: m[v] for n, m in found.items()} for k, v in keys.items()}
    times = {n: round(m["tinyrenderer"] / m["plain"], 1) for n, m in found.items()}
    result["times_tinyrenderer"] = {"original": times["96"], "by_size": times}
    result["warm_up_seconds"] = round(warm, 2)
    text = json.dumps(result, indent=1)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
