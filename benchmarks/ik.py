"""Inverse kinematics: ours beside PyBullet's, Pinocchio's with Pink's, and ssik's.

    python benchmarks/ik.py --poses 500

Two sets of poses a robot: straight down, anywhere in its workspace, in any yaw within a quarter of
a turn of home's, from home; and wherever uniformly drawn joints are, from joints within 0.15 rad of
those. A pose is reached within 1 mm, 1 degree and the joints' limits. Each solver is given the same
starts and at most 100 iterations; PyBullet's keeps no limits here, since with them it reaches next
to nothing. `pin`, `pin-pink` and `ssik` are no dependencies of
robokiln; what isn't installed is named and left out. All of them, in an environment of their own:

    python -m venv ik && ik/bin/pip install -e '.[so101,ur5e]' pin pin-pink daqp 'ssik[urdf]'
    ik/bin/python benchmarks/ik.py
"""

from __future__ import annotations

import argparse
import importlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from robokiln.geometry import compose, inverse, matrix_to_quat, pose, pose_to_matrix
from robokiln.physics.bullet import pybullet
from robokiln.physics.kinematics import Kinematics
from robokiln.scene.grasps import down, yaw_of
from robokiln.scene.robots import ROBOTS, Robot, model_file
from robokiln.scene.robots.urdf import read_urdf
from robokiln.types import Array

Solve = Callable[[Array, Array], Array | None]
"""(tool pose [7], start [J]) -> joints [J], or None."""
ITERATIONS = 100
NEAR = 0.15
"""Radians from the solution, in every joint, of a neighbouring start."""


def ours(robot: Robot) -> Solve:
    arm = Kinematics(robot)
    return lambda wanted, start: arm.solve(wanted, start, ITERATIONS)[0]


def bullet(robot: Robot) -> Solve:
    p, c = pybullet, pybullet.connect(pybullet.DIRECT)
    with model_file(robot) as file:
        arm = p.loadURDF(str(file), useFixedBase=True, physicsClientId=c)
    infos = [p.getJointInfo(arm, i, physicsClientId=c) for i in range(p.getNumJoints(arm, c))]
    index = {info[1].decode(): info[0] for info in infos}
    link = next(info[0] for info in infos if info[12].decode() == robot.tool_link)
    free = [info[1].decode() for info in infos if info[3] >= 0]
    columns = [free.index(name) for name in robot.arm_joints]
    most = {"maxNumIterations": ITERATIONS, "residualThreshold": 1e-7, "physicsClientId": c}
    back = inverse(robot.tool)

    def solve(wanted: Array, start: Array) -> Array:
        at = compose(wanted, back).tolist()
        for name, q in zip(robot.arm_joints, start, strict=True):
            p.resetJointState(arm, index[name], q, physicsClientId=c)
        found = p.calculateInverseKinematics(arm, link, at[:3], at[3:], **most)
        return np.array(found)[columns]

    return solve


def _pinocchio(robot: Robot) -> tuple[Any, int]:
    """The arm alone, and its tool link's frame."""
    pin = importlib.import_module("pinocchio")
    with model_file(robot) as file:
        model = pin.buildModelFromUrdf(str(file))
    others = [i for i in range(1, model.njoints) if model.names[i] not in robot.arm_joints]
    model = pin.buildReducedModel(model, others, pin.neutral(model))
    assert list(model.names)[1:] == list(robot.arm_joints)
    return model, model.getFrameId(robot.tool_link)


def pinocchio(robot: Robot) -> Solve:
    """The damped loop of its documentation, with the joints kept within their limits."""
    pin = importlib.import_module("pinocchio")
    model, frame = _pinocchio(robot)
    data, back = model.createData(), inverse(robot.tool)

    def solve(wanted: Array, start: Array) -> Array:
        target, joints = pin.XYZQUATToSE3(compose(wanted, back)), start.copy()
        for _ in range(ITERATIONS):
            pin.framesForwardKinematics(model, data, joints)
            miss = data.oMf[frame].actInv(target)
            error = pin.log(miss).vector
            if np.linalg.norm(error) < 2e-4:
                break
            jacobian = -pin.Jlog6(miss.inverse()) @ pin.computeFrameJacobian(
                model, data, joints, frame
            )
            gram = jacobian @ jacobian.T + 1e-6 * np.eye(6)
            step = -jacobian.T @ np.linalg.solve(gram, error)
            joints = np.clip(joints + step, model.lowerPositionLimit, model.upperPositionLimit)
        return joints

    return solve


def pink(robot: Robot) -> Solve:
    """A frame task and a weak posture task towards home, by daqp, with the joints' limits."""
    pin, pink = importlib.import_module("pinocchio"), importlib.import_module("pink")
    tasks, limits = importlib.import_module("pink.tasks"), importlib.import_module("pink.limits")
    importlib.import_module("daqp")
    model, _ = _pinocchio(robot)
    data, back = model.createData(), inverse(robot.tool)
    frame = tasks.FrameTask(
        robot.tool_link, position_cost=1.0, orientation_cost=1.0, lm_damping=1e-6
    )
    posture = tasks.PostureTask(cost=1e-3)
    posture.set_target(np.array(robot.home))
    within = [limits.ConfigurationLimit(model, config_limit_gain=1.0)]

    def solve(wanted: Array, start: Array) -> Array:
        here = pink.Configuration(model, data, start)
        frame.set_target(pin.XYZQUATToSE3(compose(wanted, back)))
        for _ in range(ITERATIONS):
            if np.linalg.norm(frame.compute_error(here)) < 2e-4:
                break
            speed = pink.solve_ik(
                here, [frame, posture], 1.0, solver="daqp", limits=within, safety_break=False
            )
            here.integrate_inplace(speed, 1.0)
        return np.clip(here.q, model.lowerPositionLimit, model.upperPositionLimit)

    return solve


def ssik(robot: Robot) -> Solve:
    """Its one solution nearest to the start."""
    package = importlib.import_module("ssik")
    with model_file(robot) as file:
        base = read_urdf(file).findall("link")[0].attrib["name"]
        arm = package.Manipulator.from_urdf(str(file), base=base, ee=robot.tool_link)
        back = inverse(robot.tool)

    def solve(wanted: Array, start: Array) -> Array | None:
        matrix = pose_to_matrix(compose(wanted, back))
        found = arm.solve(matrix, max_solutions=1, q_seed=start)
        return np.asarray(found[0].q) if len(found) else None

    return solve


SOLVERS = {"robokiln": ours, "pybullet": bullet, "pin": pinocchio, "pin-pink": pink, "ssik": ssik}


def straight_down(robot: Robot, count: int) -> list[tuple[Array, Array]]:
    """Pose and start, over the workspace."""
    rng, arm, area = np.random.default_rng(0), Kinematics(robot), robot.workspace
    tool, _ = arm.forward(arm.home)
    facing = yaw_of(pose(tool[:3, 3], matrix_to_quat(tool[:3, :3])))
    places = rng.uniform(*np.array([area.x, area.y, area.z]).T, (count, 3))
    turns = rng.uniform(-np.pi / 2, np.pi / 2, count)
    return [(down(p, facing + t), arm.home) for p, t in zip(places, turns, strict=True)]


def anywhere(robot: Robot, count: int) -> list[tuple[Array, Array]]:
    """Pose and start, over the joints' ranges."""
    rng, arm, cases = np.random.default_rng(1), Kinematics(robot), []
    for joints in rng.uniform(arm.lower + NEAR, arm.upper - NEAR, (count, len(arm.home))):
        tool, _ = arm.forward(joints)
        wanted = pose(tool[:3, 3], matrix_to_quat(tool[:3, :3]))
        cases.append((wanted, joints + rng.uniform(-NEAR, NEAR, len(joints))))
    return cases


CASES = {"down, from home": straight_down, "anywhere, from near": anywhere}


def measure(robot: Robot, solve: Solve, cases: list[tuple[Array, Array]]) -> dict[str, float]:
    """Share reached, CPU microseconds a solve, and the errors left where there is an answer."""
    arm, times, places, turns, reached = Kinematics(robot), [], [], [], 0
    for wanted, start in cases:
        begin = time.process_time()
        joints = solve(wanted, start)
        times.append((time.process_time() - begin) * 1e6)
        if joints is None:
            continue
        tool, goal = arm.forward(joints)[0], pose_to_matrix(wanted)
        place = float(np.linalg.norm(tool[:3, 3] - goal[:3, 3])) * 1e3
        cosine = (np.trace(goal[:3, :3].T @ tool[:3, :3]) - 1) / 2
        turn = float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
        inside = (joints >= arm.lower - 1e-6).all() and (joints <= arm.upper + 1e-6).all()
        reached += bool(place < 1 and turn < 1 and inside)
        places.append(place)
        turns.append(turn)
    return {
        "reached": reached / len(cases),
        "median_us": float(np.median(times)),
        "p99_us": float(np.percentile(times, 99)),
        "position_mm": float(np.median(places)) if places else float("nan"),
        "position_p99_mm": float(np.percentile(places, 99)) if places else float("nan"),
        "rotation_deg": float(np.median(turns)) if turns else float("nan"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--poses", type=int, default=500)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = []
    print("robot   poses                solver     reached  median us   p99 us  mm (p99), deg")
    for robot in ROBOTS.values():
        if not robot.installed:
            print(f"{robot.name}: robokiln[{robot.extra}] is not installed")
            continue
        for name, make in SOLVERS.items():
            try:
                solve = make(robot)
            except ImportError as error:
                print(f"{robot.name:7s} {name}: not installed ({error.name or str(error)[:60]})")
                continue
            except Exception as error:  # a solver that refuses the arm says why
                print(f"{robot.name:7s} {name}: {str(error).splitlines()[0][:90]}")
                continue
            for what, draw in CASES.items():
                found = measure(robot, solve, draw(robot, arguments.poses))
                rows.append({"robot": robot.name, "poses": what, "solver": name, **found})
                print(
                    f"{robot.name:7s} {what:20s} {name:9s} {found['reached']:8.1%}"
                    f" {found['median_us']:10.0f} {found['p99_us']:8.0f}"
                    f"  {found['position_mm']:.4f} ({found['position_p99_mm']:.3f})"
                    f"  {found['rotation_deg']:.4f}"
                )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
