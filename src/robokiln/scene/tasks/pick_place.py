"""Put the named object into the named container, among others that are to stay where they are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from robokiln.assets import COLORS, footprint, height
from robokiln.geometry import quat_to_matrix
from robokiln.scene.grasps import LOWEST, down, top_down, yaw_of
from robokiln.scene.layout import Area, Item, furniture, lying, place, standing, start_joints
from robokiln.scene.robots import Robot
from robokiln.types import Array, Body, Camera, SceneSpec, Shape, Skill, State

OBJECTS = {"box": "box", "cylinder": "cylinder", "sphere": "ball", "capsule": "capsule"}
DISTRACTORS = {**OBJECTS, "bottle": "bottle", "cup": "cup"}
CONTAINERS = {"bowl": "bowl", "plate": "plate"}
NOUNS = {**DISTRACTORS, **CONTAINERS}
PHRASINGS = (
    "put the {target} {into} the {goal}",
    "place the {target} {into} the {goal}",
    "move the {target} {into} the {goal}",
    "pick up the {target} and put it {into} the {goal}",
    "take the {target} and place it {into} the {goal}",
    "the {target} goes {into} the {goal}",
)
AREA = Area((0.33, 0.64), (-0.21, 0.21))
"""Where targets and containers stand, by their centres: 0.31 x 0.42 m."""
AROUND = Area((0.30, 0.67), (-0.27, 0.27))
HOVER = 0.07
CARRY = 0.17
HOLDING_SPEED = 0.4


@dataclass(frozen=True)
class PickPlace:
    """One target among 2 to 5 objects, one goal among 1 to 2 containers."""

    name: str = "pick_place"
    phases: tuple[str, ...] = ("approach", "grasp", "lift", "move", "place", "retreat")

    def sample(
        self, rng: np.random.Generator, robot: Robot, cameras: tuple[Camera, ...]
    ) -> SceneSpec:
        """A scene without its instruction; every object and container has its own colour."""
        objects, containers = int(rng.integers(2, 6)), int(rng.integers(1, 3))
        colors = [str(c) for c in rng.permutation(list(COLORS))]
        roles = ["target", "goal"] + ["container"] * (containers - 1) + ["object"] * (objects - 1)
        shapes = [_draw_shape(rng, role) for role in roles]
        centres = place(rng, [_item(r, s) for r, s in zip(roles, shapes, strict=True)])
        bodies = [
            _body(rng, f"{role}_{i}", shape, centre, colors[i])
            for i, (role, shape, centre) in enumerate(zip(roles, shapes, centres, strict=True))
        ]
        return SceneSpec(
            task=self.name,
            robot=robot.name,
            robot_joints=start_joints(rng, robot, 0.06),
            bodies=furniture() + tuple(bodies),
            cameras=cameras,
            instruction="",
            goal={"target": bodies[0].name, "goal": bodies[1].name},
        )

    def instruction(self, spec: SceneSpec, rng: np.random.Generator) -> str:
        """Target and goal by colour and noun, in one of several phrasings."""
        target, goal = spec.bodies[_role(spec, "target")], spec.bodies[_role(spec, "goal")]
        return _say(target, goal, rng)

    def swapped(self, spec: SceneSpec, rng: np.random.Generator) -> SceneSpec:
        """Another object is named, and the other container where there is one."""
        goal = spec.bodies[_role(spec, "goal")]
        objects = [b for b in spec.bodies if b.name.startswith("object_")]
        others = [b for b in spec.bodies if b.name.startswith("container_")] or [goal]
        objects = [b for b in objects if b.shape.kind in OBJECTS] or objects
        named = objects[int(rng.integers(len(objects)))]
        return replace(spec, instruction=_say(named, others[0], rng))

    def next_skill(self, spec: SceneSpec, state: State) -> Skill:
        """Approach, grasp, lift, move, place, retreat; chosen from the state alone."""
        if _holding(spec, state):
            return self._carry(spec, state)
        if _inside(spec, state):
            return _retreat(state)
        return self._fetch(spec, state)

    def _fetch(self, spec: SceneSpec, state: State) -> Skill:
        target = _role(spec, "target")
        grasp = top_down(spec.bodies[target].shape, state.body_pose[target], state.ee_pose)
        flat = float(np.linalg.norm(grasp[:2] - state.ee_pose[:2]))
        turn = abs((yaw_of(grasp) - yaw_of(state.ee_pose) + np.pi) % (2 * np.pi) - np.pi)
        drop = abs(float(grasp[2] - state.ee_pose[2]))
        closing = state.gripper < 0.97 and state.gripper_speed < -0.05
        slack = 3.0 if closing else 1.0
        if flat < 0.007 * slack and drop < 0.008 * slack and turn < 0.12 * slack:
            return Skill("grasp", grasp, 0.0)
        # A funnel above the grasp: come down only as the sideways error shrinks.
        grasp[2] += np.clip(3 * (flat - 0.006) + 0.12 * (turn - 0.06), 0, HOVER)
        return Skill("approach", grasp, 1.0)

    def _carry(self, spec: SceneSpec, state: State) -> Skill:
        target, goal = _role(spec, "target"), _role(spec, "goal")
        held, bowl = state.body_pose[target], state.body_pose[goal]
        above = state.ee_pose[:3].copy()
        rim = bowl[2] + height(spec.bodies[goal].shape) / 2
        floor = bowl[2] - height(spec.bodies[goal].shape) / 2 + 0.008
        hang = above[2] - held[2] + _reach_below(spec.bodies[target].shape, held)
        release = max(floor + hang + 0.008, rim - 0.012, LOWEST + 0.01)
        flat = float(np.linalg.norm(bowl[:2] - held[:2]))
        if flat < 0.018 and above[2] < release + 0.012:
            return Skill("place", down(above, yaw_of(state.ee_pose)), 1.0)
        if flat > 0.05 and above[2] < CARRY - 0.05:
            return Skill("lift", down(np.array([*above[:2], CARRY]), yaw_of(state.ee_pose)), 0.0)
        above[:2] += bowl[:2] - held[:2]
        above[2] = release + np.clip(3 * (flat - 0.012), 0, CARRY - release)
        phase = "move" if flat > 0.05 else "place"
        return Skill(phase, down(above, yaw_of(state.ee_pose)), 0.0)

    def satisfied(self, spec: SceneSpec, state: State) -> bool:
        """Inside, released, at rest, the container upright, and nothing off the table."""
        target, goal = _role(spec, "target"), _role(spec, "goal")
        released = not any(target in touched for touched in state.touching)
        still = np.abs(state.body_velocity[target]).max() < 0.05
        upright = quat_to_matrix(state.body_pose[goal, 3:])[2, 2] > 0.97
        return bool(
            released and still and upright and _inside(spec, state) and on_table(spec, state)
        )


def on_table(spec: SceneSpec, state: State) -> bool:
    """Whether everything that can move is still on the table."""
    free = [i for i, body in enumerate(spec.bodies) if body.mass > 0]
    return bool((state.body_pose[free, 2] > -0.01).all())


def _say(target: Body, goal: Body, rng: np.random.Generator) -> str:
    kind = goal.shape.kind
    return PHRASINGS[int(rng.integers(len(PHRASINGS)))].format(
        target=f"{target.color} {NOUNS[target.shape.kind]}",
        goal=f"{goal.color} {NOUNS[kind]}",
        into="onto" if kind == "plate" else "into",
    )


def _draw_shape(rng: np.random.Generator, role: str) -> Shape:
    pool = {"target": OBJECTS, "object": DISTRACTORS}.get(role, CONTAINERS)
    kind = str(rng.choice(list(pool)))
    ranges = {
        "box": {"x": (0.032, 0.046), "y": (0.032, 0.046), "z": (0.030, 0.050)},
        "cylinder": {"radius": (0.016, 0.023), "height": (0.035, 0.055)},
        "sphere": {"radius": (0.018, 0.024)},
        "capsule": {"radius": (0.016, 0.021), "length": (0.020, 0.035)},
        "bottle": {"radius": (0.020, 0.026), "height": (0.080, 0.095)},
        "cup": {"radius": (0.028, 0.034), "height": (0.050, 0.062)},
        "bowl": {"radius": (0.068, 0.082), "height": (0.042, 0.055)},
        "plate": {"radius": (0.075, 0.088), "height": (0.020, 0.026)},
    }[kind]
    return Shape(kind, {k: round(float(rng.uniform(*v)), 4) for k, v in ranges.items()})


def _item(role: str, shape: Shape) -> Item:
    """A target wants room for the open fingers; tall things stay clear of the palm."""
    area = AROUND if role == "object" else AREA
    tall = height(shape) > 0.065 and shape.kind != "capsule"
    room = 0.085 if tall else {"target": 0.045, "object": 0.02}.get(role, 0.03)
    radius = footprint(shape)
    if shape.kind == "capsule":
        radius = height(shape) / 2
    return Item(radius, room, area)


def _body(rng: np.random.Generator, name: str, shape: Shape, centre: Array, color: str) -> Body:
    yaw = float(rng.uniform(-np.pi, np.pi))
    lies = shape.kind == "capsule"
    where = (
        lying(centre, shape.size["radius"], yaw) if lies else standing(centre, height(shape), yaw)
    )
    mass = (0.25, 0.45) if shape.kind in CONTAINERS else (0.04, 0.15)
    friction = round(float(rng.uniform(0.6, 1.0)), 3)
    return Body(name, shape, where, round(float(rng.uniform(*mass)), 4), friction, color)


def _role(spec: SceneSpec, role: str) -> int:
    return spec.index(spec.goal[role])


def _holding(spec: SceneSpec, state: State) -> bool:
    """Both fingers press on the target, and have stopped closing (or began to open)."""
    target = _role(spec, "target")
    pressed = all(target in touched for touched in state.touching)
    return pressed and state.gripper_speed > -HOLDING_SPEED


def _inside(spec: SceneSpec, state: State) -> bool:
    """The target's centre lies within the goal's wall and under its rim by its own half size."""
    target, goal = _role(spec, "target"), _role(spec, "goal")
    shape = spec.bodies[goal].shape
    offset = state.body_pose[target, :3] - state.body_pose[goal, :3]
    reach = _reach_below(spec.bodies[target].shape, state.body_pose[target])
    flat = np.hypot(offset[0], offset[1]) < footprint(shape) - 0.012
    return bool(flat and -height(shape) / 2 < offset[2] < height(shape) / 2 + reach + 0.004)


def _retreat(state: State) -> Skill:
    """Open where the gripper is, then rise."""
    away = state.ee_pose[:3].copy()
    if state.gripper > 0.9:
        away[2] = max(away[2], CARRY + 0.05)
    return Skill("retreat", down(away, yaw_of(state.ee_pose)), 1.0)


def _reach_below(shape: Shape, body: Array) -> float:
    """How far (m) the body extends below its centre as it is turned now."""
    axes = np.abs(quat_to_matrix(body[3:])[2])
    if shape.kind == "box":
        return float(axes @ np.array([shape.size[k] for k in "xyz"]) / 2)
    radius = shape.size["radius"]
    if shape.kind == "sphere":
        return radius
    if shape.kind == "capsule":
        return float(axes[2] * shape.size["length"] / 2 + radius)
    return float(axes[2] * height(shape) / 2 + np.sqrt(max(0.0, 1 - axes[2] ** 2)) * radius)
