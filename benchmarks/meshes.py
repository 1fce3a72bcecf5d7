"""What mesh preparation changes: triangles, silhouettes and distances of every robot's links.

Silhouettes are drawn by our renderer at 224x224 from random views, of each link on its own and of
the whole robot; IoU is that of prepared and original triangles, whose distances are measured from
what can be seen of the originals. Exit code 1 if a link's mean IoU is below 0.985.
`python benchmarks/meshes.py --json FILE --picture FILE.png --curve`
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from pathlib import Path

import numpy as np
import trimesh
from PIL import Image
from scipy.spatial import cKDTree

from robokiln.frames import Renderer, warm_up
from robokiln.frames.meshes import robot_meshes
from robokiln.frames.meshes.hidden import seen_faces
from robokiln.frames.meshes.normals import facing_outwards
from robokiln.frames.meshes.preparation import prepared, simplified, without_small_pieces
from robokiln.frames.meshes.reading import read
from robokiln.frames.meshes.triangles import Surface, barycentric_grid, rotated
from robokiln.geometry import IDENTITY, compose, look_at, quat_to_matrix
from robokiln.scene.robots import ROBOTS, Robot, get
from robokiln.types import Array, Camera, Light, Material, SceneSpec

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "frames"))
from arranged import FLOOR, gray_look, link_poses, table_scene

LEAST_IOU = 0.985
VIEWS = 24
SIZE = 224
CURVE = (0.00005, 0.0001, 0.0002, 0.0003, 0.0005, 0.001, 0.002)
CLOSE_UPS = (
    ((1.45, -1.0, 0.85), (0.22, 0.0, 0.42), 32.0),
    ((0.80, -0.12, 0.36), (0.53, 0.0, 0.44), 28.0),
    ((0.45, -0.5, 0.85), (0.52, 0.0, 0.60), 28.0),
)
"""Eye, target and vertical field of view of the picture's rows: the arm, the hand, the wrist."""


def original_of(robot: Robot) -> Robot:
    """The robot with every triangle of its files, under a name of its own."""
    name = f"{robot.name}_original"
    return ROBOTS.setdefault(name, dataclasses.replace(robot, name=name, mesh_error=0.0))


def with_error(robot: Robot, max_error: float) -> Robot:
    """The robot simplified to another error, under a name of its own."""
    name = f"{robot.name}_{max_error * 1e3:g}mm"
    return ROBOTS.setdefault(name, dataclasses.replace(robot, name=name, mesh_error=max_error))


def turns(count: int) -> Array:
    """Random rotations as quaternions [count, 4]."""
    quats = np.random.default_rng(3).normal(size=(count, 4))
    return quats / np.linalg.norm(quats, axis=1, keepdims=True)


def shown(robot: Robot, poses: Array, center: Array, radius: float) -> Array:
    """Silhouettes bool [VIEWS, SIZE, SIZE] of link poses [L, 7] that turn about a centre."""
    camera = Camera("view", SIZE, SIZE, 30.0, look_at((0.0, -4.2 * radius, 0.0), (0.0, 0.0, 0.0)))
    spec = SceneSpec("meshes", robot.name, (), (FLOOR,), (camera,), "", {})
    shifted = poses.copy()
    shifted[:, :3] -= center
    away = [[0.0, 0.0, -50.0, 0.0, 0.0, 0.0, 1.0]]
    views = [
        np.concatenate([compose(np.array([0, 0, 0, *quat]), shifted), away])
        for quat in turns(VIEWS)
    ]
    seen = Renderer(spec, gray_look(spec, shadows=False)).render(np.array(views, np.float32))
    return seen["view"].segmentation == 1


def intersection_over_union(robot: Robot, poses: Array, points: Array) -> Array:
    """IoU [VIEWS] of prepared and original silhouettes; the views hold all `points` (world)."""
    center = (points.min(axis=0) + points.max(axis=0)) / 2
    radius = float(np.linalg.norm(points - center, axis=1).max())
    a, b = (shown(r, poses, center, radius) for r in (robot, original_of(robot)))
    both, either = (a & b).sum(axis=(1, 2)), (a | b).sum(axis=(1, 2))
    assert (either > 0).all()
    return both / either


def far_away(count: int) -> Array:
    """Poses [count, 7] out of every view."""
    return np.tile([0.0, 0.0, -50.0, 0.0, 0.0, 0.0, 1.0], (count, 1))


def lone(robot: Robot, link: int) -> Array:
    """IoU [VIEWS] of one link at the origin."""
    poses = far_away(len(robot.visuals))
    poses[link] = IDENTITY
    return intersection_over_union(robot, poses, robot_meshes(original_of(robot))[link].vertices)


def distances(original: Surface, max_error: float) -> tuple[float, float]:
    """Mean (over the area) and largest distance in metres from what is seen of the original to the
    simplified surface, before unseen triangles are left out of that."""
    surface = simplified(without_small_pieces(original), max_error)
    seen = original.faces[seen_faces(original.points, original.faces)]
    even = trimesh.sample.sample_surface(trimesh.Trimesh(original.points, seen), 30_000, seed=3)[0]
    triangles = surface.points[surface.faces]
    spread = point_distances(even, triangles)
    vertices = point_distances(original.points[np.unique(seen)], triangles)
    return float(spread.mean()), float(max(spread.max(), vertices.max()))


def point_distances(points: Array, triangles: Array) -> Array:
    """Metres [N] from points to the nearest triangle [F, 3, 3] of those with a sample nearby."""
    longest = np.linalg.norm(triangles - np.roll(triangles, 1, axis=1), axis=2).max(axis=1)
    rows = np.clip(np.ceil(longest / 0.002), 1, 64).astype(int)
    samples, owners = [], []
    for n in np.unique(rows):
        grid, some = barycentric_grid(int(n)), np.flatnonzero(rows == n)
        samples.append(np.einsum("gk,fkc->fgc", grid, triangles[some]).reshape(-1, 3))
        owners.append(np.repeat(some, len(grid)))
    owner = np.concatenate(owners)
    _, near = cKDTree(np.concatenate(samples)).query(points, min(24, len(owner)))
    best = np.full(len(points), np.inf)
    for candidates in near.T:
        closest = trimesh.triangles.closest_point(triangles[owner[candidates]], points)
        best = np.minimum(best, np.linalg.norm(points - closest, axis=1))
    return best


def link_facts(robot: Robot, link: int) -> dict[str, float]:
    """One row of the table; `seconds` is the CPU time of one preparation without the cache."""
    visual = robot.visuals[link]
    start = time.process_time()
    mesh = prepared(read(visual.mesh, robot.textures), robot.mesh_error)
    seconds = time.process_time() - start
    original = facing_outwards(read(visual.mesh, robot.textures))
    iou, (mean, largest) = lone(robot, link), distances(original, robot.mesh_error)
    return {
        "original": len(robot_meshes(original_of(robot))[link].faces),
        "prepared": len(mesh.faces),
        "iou": round(float(iou.mean()), 5),
        "iou_worst_view": round(float(iou.min()), 5),
        "mean_mm": round(mean * 1e3, 4),
        "max_mm": round(largest * 1e3, 3),
        "seconds": round(seconds, 3),
    }


def whole_facts(robot: Robot) -> dict[str, float]:
    """The same of the robot in its home pose, as far as it can be said of the whole."""
    spec = dataclasses.replace(table_scene(0), robot=robot.name)
    poses = link_poses(spec, np.array(robot.home))[0][: len(robot.visuals)].astype(float)
    originals = robot_meshes(original_of(robot))
    points = [
        rotated(mesh.vertices.astype(float), quat_to_matrix(pose[3:])) + pose[:3]
        for pose, mesh in zip(poses, originals, strict=True)
    ]
    iou = intersection_over_union(robot, poses, np.concatenate(points))
    return {"iou": round(float(iou.mean()), 5), "iou_worst_view": round(float(iou.min()), 5)}


def facts(robot: Robot) -> dict[str, dict[str, float]]:
    """Rows by link, and "all"."""
    rows = {v.link: link_facts(robot, i) for i, v in enumerate(robot.visuals)}
    totals = {
        key: round(sum(row[key] for row in rows.values()), 3)
        for key in ("original", "prepared", "seconds")
    }
    worst = {"max_mm": max(row["max_mm"] for row in rows.values())}
    return rows | {"all": totals | whole_facts(robot) | worst}


def curve(robot: Robot) -> dict[str, dict[str, float]]:
    """Error in mm -> triangles, IoU of the whole and the worst link, and the largest distance."""
    found = {}
    for error in CURVE:
        rows = facts(with_error(robot, error))
        links = [row for link, row in rows.items() if link != "all"]
        found[f"{error * 1e3:g}"] = {
            "triangles": rows["all"]["prepared"],
            "iou": rows["all"]["iou"],
            "iou_worst_link": min(row["iou"] for row in links),
            "max_mm": rows["all"]["max_mm"],
        }
    return found


def picture(robot: Robot, file: Path) -> None:
    """Originals on the left, prepared on the right; the whole arm, the wrist and the hand."""
    rows = []
    for eye, target, fov in CLOSE_UPS:
        camera = Camera("view", 640, 480, fov, look_at(eye, target))
        pair = [_view(r, camera) for r in (original_of(robot), robot)]
        rows.append(np.concatenate(pair, axis=1))
    Image.fromarray(np.concatenate(rows)).save(file, optimize=True)


def _view(robot: Robot, camera: Camera) -> Array:
    """One picture uint8 [H, W, 3] under a key light and a fill light."""
    spec = dataclasses.replace(table_scene(0), robot=robot.name, cameras=(camera,))
    key = Light((0.5, -0.8, 0.9), (1.0, 1.0, 1.0), 0.75)
    fill = Light((0.9, 0.5, -0.3), (1.0, 1.0, 1.0), 0.25, shadows=False)
    arm = Material((0.9, 0.9, 0.9), 0.45)
    sky, ground = (0.6, 0.6, 0.6), (0.5, 0.5, 0.5)
    look = dataclasses.replace(
        gray_look(spec), robot=arm, lights=(key, fill), ambient_sky=sky, ambient_ground=ground
    )
    poses = link_poses(spec, np.array(robot.home))
    return Renderer(spec, look, antialias=True).render(poses)["view"].rgb[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--curve", action="store_true", help="also other errors than the robot's")
    arguments = parser.parse_args()
    names = list(ROBOTS)
    warm_up()
    result: dict[str, object] = {"meshes": {name: facts(get(name)) for name in names}}
    if arguments.curve:
        result["curve"] = {name: curve(get(name)) for name in names}
    text = json.dumps(result, indent=1)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n")
    if arguments.picture:
        picture(get(names[0]), arguments.picture)
    rows = [row for robot in result["meshes"].values() for row in robot.values()]
    return 0 if all(row["iou"] >= LEAST_IOU for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
