"""How fast ManiSkill 3's own motion planning makes demonstrations, in an environment of its own.

    python -m venv maniskill && maniskill/bin/pip install mani_skill "numpy<2"
    python benchmarks/tasks.py --maniskill maniskill/bin/python

Its planner, mplib, needs numpy before 2. Without a rendering device SAPIEN can't even build a
material, so visuals are left out: neither side draws anything here. Assets are those in its wheel.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

ENVIRONMENTS = {
    "PickCube-v1": "solvePickCube",
    "StackCube-v1": "solveStackCube",
    "PegInsertionSide-v1": "solvePegInsertionSide",
}
MINUTES = 20


def maniskill(python: str, episodes: int) -> dict[str, Any]:
    """Figures by environment, each in a process of its own; {"error": ...} where it can't run."""
    found: dict[str, Any] = {}
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    for name in ENVIRONMENTS:
        command = [python, __file__, name, str(episodes)]
        try:
            ended = subprocess.run(
                command, capture_output=True, text=True, env=environment, timeout=60 * MINUTES
            )
            found[name] = json.loads(ended.stdout.splitlines()[-1])
        except (OSError, subprocess.TimeoutExpired) as error:
            found[name] = {"error": str(error)}
        except (ValueError, IndexError):
            lines = ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"]
            found[name] = {"error": lines[-1]}
    return found


def lines(found: dict[str, Any]) -> list[str]:
    """What to print of it."""
    return [
        f"ManiSkill {name}: {f['error']}"
        if "error" in f
        else f"ManiSkill {f['version']} {name}: {f['accepted']} of {f['attempts']}, "
        f"x real time {f['realtime']:.1f}, {f['demos_per_minute_per_core']:.0f} demos/min/core"
        for name, f in found.items()
    ]


def _without_pictures() -> None:
    import sapien  # type: ignore[import-not-found]
    from sapien.wrapper import urdf_loader  # type: ignore[import-not-found]
    from sapien.wrapper.actor_builder import ActorBuilder  # type: ignore[import-not-found]

    class Material:
        def __init__(self, *_: Any, **__: Any) -> None: ...

    sapien.render.RenderMaterial = urdf_loader.RenderMaterial = Material
    for name in dir(ActorBuilder):
        if name.startswith("add_") and "visual" in name:
            setattr(ActorBuilder, name, lambda self, *_, **__: self)


def _inside(name: str, episodes: int) -> dict[str, Any]:
    """Run by the other environment's interpreter."""
    _without_pictures()
    import gymnasium  # type: ignore[import-not-found]
    import mani_skill.envs  # type: ignore[import-not-found]
    from mani_skill.examples.motionplanning.panda import (
        solutions,  # type: ignore[import-not-found]
    )

    env = gymnasium.make(
        name, obs_mode="none", control_mode="pd_joint_pos", sim_backend="cpu", render_backend="none"
    )
    solve, hz = getattr(solutions, ENVIRONMENTS[name]), env.unwrapped.control_freq
    solve(env, seed=10**6, debug=False, vis=False)  # the first loads what the others find loaded
    accepted, seconds, speeds = 0, 0.0, []
    for seed in range(episodes):
        start = time.process_time()
        try:
            result = solve(env, seed=seed, debug=False, vis=False)
        except Exception:
            result = -1
        spent = time.process_time() - start
        seconds += spent
        if result != -1 and result[-1]["success"].item():
            accepted += 1
            speeds.append(result[-1]["elapsed_steps"].item() / hz / spent)
    return {
        "version": mani_skill.__version__,
        "attempts": episodes,
        "accepted": accepted,
        "realtime": sorted(speeds)[len(speeds) // 2] if speeds else 0.0,
        "demos_per_minute_per_core": accepted * 60 / seconds,
        "cpu_seconds": seconds,
    }


if __name__ == "__main__":
    print(json.dumps(_inside(sys.argv[1], int(sys.argv[2]))))
