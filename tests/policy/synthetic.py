"""A stand-in for a generated dataset: discs on a table, seen by two cameras, and a smooth expert.

It exercises the geometry, the language and the labels; its pictures are no simulation.
"""

from __future__ import annotations

import numpy as np

from robokiln.assets import COLORS
from robokiln.dataset import RecordedCamera
from robokiln.deploy import TrainedOn
from robokiln.geometry import compose, look_at, pose_to_action, project
from robokiln.policy.demonstrations import Demonstrations
from robokiln.policy.facing import side_of
from robokiln.policy.pictures import Joined
from robokiln.policy.roles import ROLES
from robokiln.types import Array, Camera, PoseTuple

KINDS = ("cylinder", "box", "capsule", "bottle")
CONTAINERS = ("bowl", "plate", "cup")
TEMPLATES = (
    "put the {0} into the {1}",
    "move the {0} to the {1}",
    "pick up the {0} and place it in the {1}",
    "the {0} goes into the {1}",
    "into the {1} goes the {0}",
)
DOWN = np.array([1.0, 0.0, 0.0, 0.0])
"""The tool's z axis points at the table."""
WRIST: PoseTuple = (0.06, 0.0, -0.085, -0.0654, 0.0, 0.7071, 0.7071)


CONTROL_HZ = 20


def cameras(size: int = 96) -> tuple[RecordedCamera, ...]:
    front = look_at((0.98, 0.0, 0.80), (0.44, 0.0, 0.02))
    quat = np.array(WRIST[3:])
    wrist = (*WRIST[:3], *(quat / np.linalg.norm(quat)).tolist())
    return (
        RecordedCamera("front", size, size, 42.0, "base", front),
        RecordedCamera("wrist", size, size, 75.0, "tool", wrist),
    )


def expert(rng: np.random.Generator, target: Array, goal: Array) -> tuple[Array, Array]:
    """Minimum-jerk moves above, onto, up, over and down: positions [T, 3] and openings [T]."""
    start = np.array([0.45, 0.0, 0.35]) + rng.uniform(-0.05, 0.05, 3)
    up = np.array([0.0, 0.0, 0.15])
    points = [start, target + up, target, target, target + up, goal + up, goal + up * 0.5]
    steps = (22, 14, 6, 12, 22, 12)
    opening = np.repeat([1.0, 1.0, 0.0, 0.0, 0.0, 0.0], steps)
    path = []
    for a, b, n in zip(points[:-1], points[1:], steps, strict=True):
        s = np.linspace(0, 1, n, endpoint=False)[:, None]
        path.append(a + (b - a) * s**3 * (10 - 15 * s + 6 * s**2))
    return np.concatenate(path), opening


def _disc(images: Array, pixels: Array, radius: Array, color: Array, ring: bool = False) -> None:
    """Paint a soft disc (or ring) at pixels [T, 3] into images [T, H, W, 3]."""
    size = images.shape[1]
    grid = np.arange(size) + 0.5
    dx = grid - np.clip(np.nan_to_num(pixels[:, 0]), -999, 999)[:, None]
    dy = grid - np.clip(np.nan_to_num(pixels[:, 1]), -999, 999)[:, None]
    distance = np.sqrt(dx[:, None, :] ** 2 + dy[:, :, None] ** 2)
    cover = np.clip(radius[:, None, None] - distance + 0.5, 0, 1)
    if ring:
        cover *= np.clip(distance - 0.6 * radius[:, None, None] + 0.5, 0.25, 1)
    cover *= (pixels[:, 2] > 0.01)[:, None, None]
    images += (color - images) * cover[..., None]


def _paint(camera: RecordedCamera, ee: Array, things: list[tuple[Array, float, str, bool]],
           rng: np.random.Generator) -> Array:  # fmt: skip
    pinhole = Camera(camera.name, camera.width, camera.height, camera.fov, camera.pose)
    pose = compose(ee, camera.pose) if camera.frame == "tool" else np.asarray(camera.pose)
    focal = camera.height / 2 / np.tan(np.radians(camera.fov) / 2)
    images = np.broadcast_to(
        rng.uniform(0.35, 0.75, 3), (len(ee), camera.height, camera.width, 3)
    ).copy()
    for position, radius, color, ring in sorted(things, key=lambda t: not t[3]):
        pixels = project(pinhole, pose, position)
        shade = np.clip(np.array(COLORS[color]) * rng.uniform(0.8, 1.15), 0, 1)
        size = radius * focal / np.maximum(pixels[:, 2], 0.05)
        _disc(images, pixels, size, shade, ring)
    if camera.frame == "base":
        for lift in (0.06, 0.10, 0.14):
            arm = project(pinhole, pose, ee[:, :3] + [0, 0, lift])
            _disc(images, arm, np.full(len(ee), 5.0), np.full(3, 0.9))
    images += rng.normal(0, 0.01, images.shape)
    return (np.clip(images, 0, 1) * 255).astype(np.uint8)


def demonstrations(episodes: int, seed: int, size: int = 96, every: int = 1,
                   templates: tuple[str, ...] = TEMPLATES) -> Demonstrations:  # fmt: skip
    """`every` keeps one step in so many, for a quick test."""
    rng = np.random.default_rng(seed)
    views = cameras(size)
    rows: dict[str, list[Array]] = {"state": [], "action": [], "pose": [], "front": [], "wrist": []}
    texts, lengths = [], []
    for _ in range(episodes):
        count, holders = int(rng.integers(2, 6)), int(rng.integers(1, 3))
        spots = _spread(rng, count + holders)
        colors = rng.permutation(list(COLORS))[: count + holders]
        radii = np.concatenate(
            [rng.uniform(0.018, 0.03, count), rng.uniform(0.055, 0.075, holders)]
        )
        names = [
            f"{c} {rng.choice(KINDS if i < count else CONTAINERS)}" for i, c in enumerate(colors)
        ]
        path, opening = expert(rng, spots[0], spots[count])
        carried = np.cumsum(opening == 0) > 6
        target = np.where(carried[:, None], path, spots[0])
        ee = np.concatenate([path, np.broadcast_to(DOWN, (len(path), 4))], -1)
        actions = pose_to_action(np.concatenate([ee[1:], ee[-1:]]), opening)
        moving = [np.broadcast_to(p, path.shape) for p in spots]
        moving[0] = target
        ring = np.arange(count + holders) >= count
        things = list(zip(moving, radii.tolist(), colors.tolist(), ring.tolist(), strict=True))
        keep = slice(int(rng.integers(every)), None, every)
        for camera in views:
            part = [(p[keep], r, c, ring) for p, r, c, ring in things]
            rows[camera.name].append(_paint(camera, ee[keep], part, rng))
        quats = np.tile([0, 0, 0, 1.0], (len(path), 1))
        poses = np.concatenate([target, quats, moving[count], quats], -1)
        lag = np.concatenate([opening[:1], opening[:-1]])
        rows["state"].append(pose_to_action(ee, lag)[keep])
        rows["action"].append(actions[keep])
        rows["pose"].append(poses[keep])
        lengths.append(len(rows["state"][-1]))
        texts.append(str(rng.choice(templates)).format(names[0], names[count]))
    ends = np.cumsum(lengths)
    stack = {key: np.concatenate(value) for key, value in rows.items()}
    f32 = {key: stack[key].astype(np.float32) for key in ("state", "action", "pose")}
    stands = np.zeros((len(f32["pose"]), len(ROLES), 6), np.float32)
    told = f32["pose"].reshape(-1, 2, 7)
    stands[:, :2] = np.concatenate([told[..., :3], side_of(told)], -1)
    return Demonstrations(
        cameras=(views,),
        frames={c.name: Joined([stack[c.name]]) for c in views},
        proprioception=f32["state"],
        action=f32["action"],
        thrown=np.zeros(len(f32["action"]), bool),
        target_goal_pose=f32["pose"],
        stands=stands,
        named=np.tile([True, True, False], (episodes, 1)),
        bounds=np.stack([ends - lengths, ends], -1),
        bodies=np.tile(np.arange(len(ROLES)), (episodes, 1)),
        shown=np.ones((len(stands), len(views), len(ROLES)), bool),
        views=np.zeros(episodes, np.int64),
        instructions=tuple(texts),
        alternatives=((),) * episodes,
        lacking=((),) * episodes,
        trained_on=TrainedOn(CONTROL_HZ),
    )


def _spread(rng: np.random.Generator, count: int) -> Array:
    """Positions on the table, at least 7 cm apart."""
    spots: list[Array] = []
    while len(spots) < count:
        spot = np.array([*rng.uniform([0.32, -0.2], [0.64, 0.2]), 0.025])
        if all(np.linalg.norm(spot - other) > 0.07 for other in spots):
            spots.append(spot)
    return np.array(spots)
