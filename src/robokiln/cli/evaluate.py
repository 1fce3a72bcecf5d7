"""`robokiln evaluate`."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import robokiln
from robokiln.cli.progress import ProgressLine, announce_compiling, closing_table
from robokiln.cli.settings import Configuration, evaluation, execution
from robokiln.types import RobokilnError, lookup

if TYPE_CHECKING:
    from robokiln.deploy import Policy
    from robokiln.report.evaluate import Evaluation, Progress, RowResult
    from robokiln.report.facts import Training
    from robokiln.report.rollouts import EvaluateConfig
    from robokiln.report.statistics import Rate

VERSIONS = ("numpy", "torch", "numba", "pyarrow", "av")


def main(configuration: Configuration, command: str) -> int:
    """Evaluate policies and baselines in held-out scenes."""
    policies, out = policies_of(configuration), Path(configuration["out"])
    found = evaluate_rows(configuration, policies, out)
    from robokiln.report.facts import ReportFacts
    from robokiln.report.page import write_report

    facts = ReportFacts(
        title=f"robokiln evaluate: {found.task}",
        commands=(command,),
        training=trained(policies),
        evaluation=found,
        evaluation_dir=out,
        versions=versions(),
        seeds={"evaluation": found.seed},
    )
    page, _ = write_report(out, facts)
    rows = [*rates(found), ("rollouts", str(out / "evaluation.json")), ("report", str(page))]
    closing_table(rows, f"open {page}, or: robokiln compare {out} ANOTHER")
    return 0


def policies_of(configuration: Configuration) -> dict[str, Path]:
    """The trained policies that the configuration names."""
    names = ("image_policy", "state_policy")
    policies = {n: Path(configuration[n]) for n in names if configuration[n] is not None}
    for name, directory in policies.items():
        if not directory.is_dir():
            raise RobokilnError(
                f"{name}: {directory} is not a directory; `robokiln train` and "
                "`robokiln export` make one"
            )
    return policies


def evaluate_rows(
    configuration: Configuration, policies: Mapping[str, Path], out: Path
) -> Evaluation:
    """`report.evaluate` behind a progress line."""
    config = evaluation(configuration, policies)
    check_policies(policies, config)
    from robokiln.report.evaluate import evaluate

    with running_rates("evaluate") as show:
        return evaluate(config, policies, out, execution(configuration), show)


def check_policies(policies: Mapping[str, Path], config: EvaluateConfig) -> None:
    """Tampered or missing files are found here, once, and not in every worker; compiles what they
    need."""
    if policies:
        from robokiln.report.policies import load_policy

        for directory in policies.values():
            policy = load_policy(directory)
            _check_practice(directory, policy, config)
            _check_cameras(directory, policy, config)
    if "image_policy" in policies:
        from robokiln.frames import warm_up
        from robokiln.workers import held_interrupts

        announce_compiling()
        with held_interrupts():
            warm_up()


@contextmanager
def running_rates(label: str) -> Iterator[Progress]:
    """A progress line with each row's rate so far and its interval."""
    with ProgressLine(label) as line:
        yield lambda done, total, so_far: line.update(done, total, ", ".join(running(so_far)))


def running(so_far: Mapping[str, Rate]) -> list[str]:
    """ "expert 12/13 (67-99 %)" of each row."""
    return [
        f"{name} {r.successes}/{r.n} ({100 * r.low:.0f}-{100 * r.high:.0f} %)"
        for name, r in so_far.items()
    ]


def _check_practice(directory: Path, policy: Policy, config: EvaluateConfig) -> None:
    """Actions must come as often as in training; another robot or task is worth a word."""
    known = policy.trained_on
    if known.control_hz != config.episode.control_hz:
        raise RobokilnError(
            f"{directory}: learned {known.control_hz} actions a second and would give "
            f"{config.episode.control_hz} here; set episode.control_hz={known.control_hz}"
        )
    asked = (("robot", config.robot, known.robots), ("task", config.task, known.tasks))
    for what, here, names in asked:
        if names and here not in names:
            print(
                f"note: {directory} never saw the {what} '{here}'; it learned from "
                f"{', '.join(names)}",
                file=sys.stderr,
            )


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
        # An exported policy knows less of its cameras.
        shared = [f.name for f in fields(camera) if hasattr(known, f.name)]
        if any(getattr(camera, name) != getattr(known, name) for name in shared):
            print(
                f"note: camera '{known.name}' is not where or what it was in training of "
                f"{directory}",
                file=sys.stderr,
            )


def rates(found: Evaluation) -> list[tuple[str, str]]:
    """Each row's successes with their interval."""
    return [(name, counted(row)) for name, row in found.rows.items()]


def counted(rate: Rate | RowResult) -> str:
    """ "12/13  (95 %: 67% to 99%)"."""
    return f"{rate.successes}/{rate.n}  (95 %: {rate.low:.0%} to {rate.high:.0%})"


def trained(policies: Mapping[str, Path]) -> tuple[Training, ...]:
    """What a report says of how each policy was trained; an exported one does not know."""
    from robokiln.policy import describe
    from robokiln.report.facts import Training
    from robokiln.report.policies import is_exported

    found = []
    for name, directory in policies.items():
        if is_exported(directory):
            continue
        policy = describe(directory)
        facts = {
            "parameters": f"{policy.parameters / 1e6:.2f} M",
            "steps": f"{policy.config.steps:,}",
            "batch": str(policy.config.batch_size),
        }
        found.append(Training(name.replace("_", " "), directory, facts))
    return tuple(found)


def versions() -> dict[str, str]:
    """Of what a result may depend on."""
    packages = {name: version(name) for name in VERSIONS}
    return {"python": platform.python_version(), "robokiln": robokiln.__version__, **packages}
