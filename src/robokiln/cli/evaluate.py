"""`robokiln evaluate`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from robokiln.cli.progress import ProgressLine, announce_compiling, closing_table
from robokiln.cli.settings import Configuration, evaluation, worker_count
from robokiln.types import RobokilnError, lookup

if TYPE_CHECKING:
    from robokiln.policy import Policy
    from robokiln.report.evaluate import Evaluation
    from robokiln.report.rollouts import EvaluateConfig
    from robokiln.report.statistics import Rate


def main(configuration: Configuration, command: str) -> int:
    """Evaluate policies and baselines in held-out scenes."""
    names = ("image_policy", "state_policy")
    policies = {n: Path(configuration[n]) for n in names if configuration[n] is not None}
    for name, directory in policies.items():
        if not directory.is_dir():
            raise RobokilnError(
                f"{name}: {directory} is not a directory; `robokiln train` makes one"
            )
    out = Path(configuration["out"])
    found = evaluate_rows(configuration, policies, out)
    rows = [*rates(found), ("rollouts", str(out / "evaluation.json"))]
    closing_table(rows, "robokiln run recipe=quickstart   (the whole journey, with a report)")
    return 0


def evaluate_rows(
    configuration: Configuration, policies: Mapping[str, Path], out: Path
) -> Evaluation:
    """`report.evaluate` behind a progress line."""
    config = evaluation(configuration, policies)
    if policies:
        # Tampered or missing files are found here, once, and not in every worker.
        from robokiln.policy import load

        for directory in policies.values():
            _check_cameras(directory, load(directory, device="cpu"), config)
    if "image_policy" in policies:
        from robokiln.frames import warm_up
        from robokiln.workers import held_interrupts

        announce_compiling()
        with held_interrupts():
            warm_up()  # once, and not in every worker
    from robokiln.report.evaluate import evaluate

    with ProgressLine("evaluate") as line:

        def show(done: int, total: int, so_far: Mapping[str, Rate]) -> None:
            shares = (f"{name} {rate.successes}/{rate.n}" for name, rate in so_far.items())
            line.update(done, total, ", ".join(shares))

        return evaluate(config, policies, out, worker_count(configuration), show)


def _check_cameras(directory: Path, policy: Policy, config: EvaluateConfig) -> None:
    """A policy must get pictures of the size it knows; from elsewhere is worth a word."""
    from robokiln.kiln.columns import recorded_camera
    from robokiln.scene import robots

    robot = robots.get(config.robot)
    here = {
        camera.name: recorded_camera(camera, robot, config.sensors.get(camera.name))
        for camera in config.cameras
    }
    for known in policy.cameras:
        camera = lookup(f"{directory}: its camera", known.name, here)
        if (camera.width, camera.height) != (known.width, known.height):
            raise RobokilnError(
                f"{directory}: camera '{known.name}' was {known.width} x {known.height} in "
                f"training and is {camera.width} x {camera.height} here; set image_size or cameras"
            )
        if camera != known:
            print(
                f"note: camera '{known.name}' is not where or what it was in training of "
                f"{directory}",
                file=sys.stderr,
            )


def rates(found: Evaluation) -> list[tuple[str, str]]:
    """Each row's successes with their interval."""
    return [
        (name, f"{row.successes}/{row.n}  (95 %: {row.low:.0%} to {row.high:.0%})")
        for name, row in found.rows.items()
    ]
