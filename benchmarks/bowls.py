"""What a bowl's collision costs: a block falls into bowls of different parts and comes to rest.

python benchmarks/bowls.py [drops]
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pybullet

from robokiln.assets import FAMILIES, Part, collision_parts, height
from robokiln.assets.hollow import STYLES, crossed_foot, wall_outline, wall_rings
from robokiln.assets.kinds import RECESS
from robokiln.geometry import quat_to_matrix
from robokiln.types import Array, Shape

SIZE = {"radius": 0.075, "height": 0.048}
BLOCK = 0.04
HZ, SECONDS = 240, 2.0
KINDS = {
    "box": pybullet.GEOM_BOX,
    "sphere": pybullet.GEOM_SPHERE,
    "cylinder": pybullet.GEOM_CYLINDER,
    "capsule": pybullet.GEOM_CAPSULE,
}


def bowl(count: int, foot_boxes: int, balanced: bool, recess: float = 0.0) -> tuple[Part, ...]:
    """Two rings of `count` boxes: outer faces on the wall or, balanced, their corners as far beyond
    it as their faces are within."""
    s = {**STYLES["bowl"], **SIZE}
    turn = np.pi / count
    outline = wall_outline("bowl", s)[[0, 3, 5]]
    outline = outline * [2 / (1 + 1 / np.cos(turn)) if balanced else 1.0, 1.0]
    flat = float(outline[0, 0])
    if foot_boxes == 4:
        eighth = np.pi / 8
        turns = [2 * eighth * k for k in range(4)]
        foot = crossed_foot(s, flat, flat * float(np.tan(eighth)), turns)
    else:
        half = flat / float(np.sqrt(2))
        foot = crossed_foot(s, half, half, (0.0, np.pi / 4)[:foot_boxes], recess)
    return (*foot, *wall_rings(s, outline, count, s["wall"]))


VARIANTS: dict[str, Callable[[], tuple[Part, ...]]] = {
    "as it is: 12 x 2": lambda: collision_parts(Shape("bowl", SIZE)),
    "8 x 2": lambda: bowl(8, 2, False),
    "8 x 2, balanced": lambda: bowl(8, 2, True),
    "8 x 2, octagonal foot": lambda: bowl(8, 4, True),
    "8 x 2, square foot": lambda: bowl(8, 1, True),
    "8 x 2, second foot box raised": lambda: bowl(8, 2, True, RECESS),
    "6 x 2, balanced": lambda: bowl(6, 2, True),
}


@dataclass(frozen=True)
class Drop:
    """One block in one bowl. cpu and cpu_at_rest in seconds a simulated second."""

    cpu: float
    cpu_at_rest: float
    inside: bool
    flat: bool
    deepest: float
    resting_depth: float
    speed: float
    contacts: int


def drop(parts: Sequence[Part], seed: int, fall: float) -> Drop:
    """`fall` metres above the rim, turned at random, up to 2 cm beside the middle; run by the
    clock, then watched."""
    half = round(SECONDS * HZ / 2)
    table, vessel, block = _scene(parts, np.random.default_rng(seed), fall)
    spent = []
    for _ in range(2):
        began = time.process_time()
        for _ in range(half):
            pybullet.stepSimulation()
        spent.append((time.process_time() - began) / SECONDS * 2)
    table, vessel, block = _scene(parts, np.random.default_rng(seed), fall)
    deepest = 0.0
    for _ in range(2 * half):
        pybullet.stepSimulation()
        deepest = max(deepest, _depth())
    p = pybullet
    found = [np.array(v) for v in p.getBasePositionAndOrientation(block)]
    base = np.array(p.getBasePositionAndOrientation(vessel)[0])
    away = np.hypot(*(found[0] - base)[:2])
    upright = float(np.abs(quat_to_matrix(found[1])[2]).max())
    speed = float(np.linalg.norm(p.getBaseVelocity(block)[0]))
    touching = len(p.getContactPoints(block, vessel)) + len(p.getContactPoints(table, vessel))
    floor = base[2] - SIZE["height"] / 2
    inside = bool(away < SIZE["radius"] and found[0][2] > floor + 0.3 * BLOCK)
    return Drop(
        sum(spent) / 2, spent[1], inside, upright > 0.995, deepest, _depth(), speed, touching
    )


def _scene(parts: Sequence[Part], rng: np.random.Generator, fall: float) -> tuple[int, int, int]:
    """Table, bowl and block."""
    table = _table()
    at = (0.0, 0.0, SIZE["height"] / 2)
    vessel = _add(parts, 0.35, at, (0, 0, 0, 1))
    turned = rng.normal(size=4)
    start = (*rng.uniform(-0.02, 0.02, 2), SIZE["height"] + BLOCK + fall)
    block = _add((Part("box", (BLOCK / 2,) * 3),), 0.1, start, turned / np.linalg.norm(turned))
    return table, vessel, block


def _table() -> int:
    """The world's engine settings, and a table alone."""
    pybullet.resetSimulation()
    pybullet.setGravity(0, 0, -9.81)
    pybullet.setPhysicsEngineParameter(
        fixedTimeStep=1 / HZ,
        deterministicOverlappingPairs=1,
        numSolverIterations=40,
        contactBreakingThreshold=0.002,
    )
    return _add((Part("box", (0.45, 0.6, 0.02)),), 0.0, (0, 0, -0.02), (0, 0, 0, 1))


def _add(parts: Sequence[Part], mass: float, at: Sequence[float], turned: Sequence[float]) -> int:
    shape = pybullet.createCollisionShapeArray(
        shapeTypes=[KINDS[part.kind] for part in parts],
        radii=[0.0 if part.kind == "box" else part.size[0] for part in parts],
        halfExtents=[part.size if part.kind == "box" else (1.0, 1.0, 1.0) for part in parts],
        lengths=[part.size[1] if len(part.size) == 2 else 1.0 for part in parts],
        collisionFramePositions=[part.pose[:3] for part in parts],
        collisionFrameOrientations=[part.pose[3:] for part in parts],
    )
    body = pybullet.createMultiBody(mass, shape, -1, at, turned)
    pybullet.changeDynamics(
        body, -1, lateralFriction=0.8, rollingFriction=0.0008, spinningFriction=0.002,
        linearDamping=0.04, angularDamping=0.2,
    )  # fmt: skip
    return int(body)


def _depth() -> float:
    return max(0.0, -min((q[8] for q in pybullet.getContactPoints()), default=0.0))


def main(drops: int = 60) -> None:
    """A table of every variant at two heights."""
    pybullet.connect(pybullet.DIRECT)
    print("parts  cpu ms/s  at rest  inside  flat  deepest mm  at rest mm  moving  contacts")
    for fall, (name, parts) in itertools.product((0.02, 0.30), VARIANTS.items()):
        found = [drop(parts(), k, fall) for k in range(drops)]
        mean = {f: np.mean([getattr(d, f) for d in found]) for f in ("cpu", "cpu_at_rest")}
        worst: Array = np.array([[d.deepest, d.resting_depth] for d in found]) * 1000
        print(
            f"{len(parts()):5d}  {mean['cpu'] * 1000:8.2f}  {mean['cpu_at_rest'] * 1000:7.2f}"
            f"  {sum(d.inside for d in found):3d}/{drops:<3d} {sum(d.flat for d in found):4d}"
            f"  {np.median(worst[:, 0]):4.1f} {worst[:, 0].max():5.1f}  "
            f"{np.median(worst[:, 1]):4.2f} {worst[:, 1].max():4.2f}"
            f"  {sum(d.speed > 0.01 for d in found):6d}  "
            f"{np.mean([d.contacts for d in found]):8.1f}"
            f"   {name}, from {fall * 100:.0f} cm"
        )

    print("\nAt rest on the table: parts, contacts, cpu ms/s")
    for family in FAMILIES.values():
        shape = family.draw(np.random.default_rng(0))
        if collision_parts(shape):
            cpu, contacts = resting(shape)
            count = len(collision_parts(shape))
            print(f"{count:5d} {contacts:5d} {cpu * 1000:8.2f}   {family.name}")


def resting(shape: Shape) -> tuple[float, int]:
    """CPU seconds a simulated second, and contacts, of a shape that stands there awake."""
    table = _table()
    thing = _add(collision_parts(shape), 0.1, (0, 0, height(shape) / 2), (0, 0, 0, 1))
    for _ in range(HZ):
        pybullet.stepSimulation()
    began = time.process_time()
    for _ in range(2 * HZ):
        pybullet.stepSimulation()
    spent = (time.process_time() - began) / 2
    return spent, len(pybullet.getContactPoints(table, thing))


if __name__ == "__main__":
    main(*(int(a) for a in sys.argv[1:]))
