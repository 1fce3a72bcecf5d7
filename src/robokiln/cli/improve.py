"""`robokiln improve`: roll out, correct, train, and again; beside plain demonstrations."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robokiln import dataset
from robokiln.cli.actors import ActorOf
from robokiln.cli.codes import OK
from robokiln.cli.evaluate import counted, evaluate_rows
from robokiln.cli.generate import explain_incomplete, kiln_progress
from robokiln.cli.progress import closing_table
from robokiln.cli.settings import (
    EXECUTION_KEYS,
    Configuration,
    evaluation,
    execution,
    generation_plan,
)
from robokiln.cli.train import train_config, train_policy
from robokiln.files import make_directory, refuse_links, write_json
from robokiln.kiln import GenerateResult, Plan, PolicyFactory, Relabel, generate
from robokiln.kiln.plan import differences
from robokiln.serial import parse_json
from robokiln.types import RobokilnError

if TYPE_CHECKING:
    from robokiln.report.flywheel import Standing

FORMAT = "robokiln-improve-1"
IDENTITY = "configuration.json"
FREE = ("out", "rounds", "device", "accept_environment", *EXECUTION_KEYS)
"""Keys that a run may be continued with other values of."""
SPARE = 1.05
"""Plain demonstrations are as many as have, by the mean length so far, so many times the frames of
the corrected ones: that arm had better get more than less."""


@dataclass
class _Arm:
    """What an arm's policies have learned from so far."""

    name: str
    runs: list[Path]
    frames: int
    demonstrations: int
    attempts: int


class _Incomplete(Exception):
    """A run that gave up slots."""

    def __init__(self, result: GenerateResult, out: Path) -> None:
        self.result, self.out = result, out


def main(configuration: Configuration, command: str) -> int:
    """Improve a policy round by round; 0, or 3 where a round could not be filled."""
    if configuration["plan"] is not None:
        raise RobokilnError("plan: goes with `robokiln generate`; improve makes plans of its own")
    work = _Improving(configuration, command)
    _claim(work.out, configuration)
    from robokiln.report.flywheel import duels, write_improvement

    standings: list[Standing] = []
    try:
        for standing in work.rounds():
            standings.append(standing)
            files = write_improvement(work.out, work.plan.task, standings)
    except _Incomplete as stopped:
        return explain_incomplete(stopped.result, stopped.out)
    rows = [_row(standing) for standing in standings]
    rows += [
        (f"round {d.round}", f"McNemar's p = {d.test.p:.2g}: {d.verdict}") for d in duels(standings)
    ]
    rows += [("results", str(files[0])), ("plot", str(files[1]))]
    closing_table(rows, f"the same command with rounds={configuration['rounds'] + 1} goes on")
    return OK


class _Improving:
    """One run of `improve`; everything is checked before any work begins."""

    def __init__(self, configuration: Configuration, command: str) -> None:
        self.configuration, self.command = configuration, command
        self.out = Path(configuration["out"])
        self.plan = generation_plan(configuration)
        last = self.plan.seed + 2 * configuration["rounds"]
        replace(self.plan, seed=last, episodes=configuration["per_round"])
        Relabel("0" * 64, 1, configuration["hard_attempts"])
        self.config = train_config(configuration["policy"])
        self.row = f"{self.config.model}_policy"
        if self.row not in configuration["scenes"]:
            raise RobokilnError(
                f"policy.model: '{self.config.model}' has no row in scenes; available: "
                f"{', '.join(configuration['scenes'])}"
            )
        evaluation(configuration, {self.row: self.out})
        execution(configuration)

    def rounds(self) -> Iterator[Standing]:
        """The standing of the first policy, then of both arms after each round."""
        from robokiln.policy import describe
        from robokiln.report.flywheel import FLYWHEEL, PLAIN

        first = _Arm("start", [], 0, 0, 0)
        self._demonstrate(first, self.plan, self.out / "round-0" / "demonstrations")
        mean = first.frames / first.demonstrations
        yield self._learn(first, 0)
        ours = replace(first, name=FLYWHEEL, runs=list(first.runs))
        theirs = replace(first, name=PLAIN, runs=list(first.runs))
        policy = self.out / "round-0" / "policy"
        for number in range(1, self.configuration["rounds"] + 1):
            here = self.out / f"round-{number}"
            corrected = self._plan(2 * number - 1, self.configuration["per_round"])
            weights = describe(policy).weights_sha256
            relabel = Relabel(weights, number, self.configuration["hard_attempts"])
            corrected = replace(corrected, relabel=relabel)
            actor = ActorOf(policy.resolve())
            self._demonstrate(ours, corrected, here / FLYWHEEL / "rollouts", actor)
            yield self._learn(ours, number)
            missing = SPARE * (ours.frames - theirs.frames) / mean
            plain = self._plan(2 * number, max(1, math.ceil(missing)))
            self._demonstrate(theirs, plain, here / PLAIN / "demonstrations")
            yield self._learn(theirs, number)
            policy = here / FLYWHEEL / "policy"

    def _plan(self, further: int, episodes: int) -> Plan:
        """Of scenes that no other run of ours has."""
        return replace(self.plan, seed=self.plan.seed + further, episodes=episodes)

    def _demonstrate(
        self, arm: _Arm, plan: Plan, out: Path, policy: PolicyFactory | None = None
    ) -> None:
        """Add the plan's run to the arm."""
        print(f"{out.relative_to(self.out)}: {plan.episodes} episodes")
        accept = self.configuration["accept_environment"]
        with kiln_progress() as show:
            made = generate(
                plan,
                out,
                execution(self.configuration),
                show,
                self.command,
                accept_environment=accept,
                policy=policy,
            )
        if made.dataset is None:
            raise _Incomplete(made, out)
        info = dataset.check(made.dataset)
        arm.runs.append(out)
        arm.frames += info.frames
        arm.demonstrations += info.episodes
        arm.attempts += made.attempts

    def _learn(self, arm: _Arm, number: int) -> Standing:
        """Train a policy on all that the arm has, and see what it can do."""
        from robokiln.report.flywheel import Standing

        here = self.out / f"round-{number}" / (arm.name if number else "")
        roots = [run / "dataset" for run in arm.runs]
        policy, settings = here / "policy", self.configuration["policy"]
        label = f"train {arm.name} {number}"
        train_policy(roots, settings, policy, self.configuration["device"], label)
        found = evaluate_rows(self.configuration, {self.row: policy}, here / "evaluation")
        outcomes = tuple(r.success for r in found.rollouts if r.row == self.row)
        return Standing(arm.name, number, arm.demonstrations, arm.frames, arm.attempts, outcomes)


def _claim(out: Path, configuration: Configuration) -> None:
    """Make `out` this run's, or an error where it is something else's."""
    kept = {key: value for key, value in configuration.items() if key not in FREE}
    now: dict[str, Any] = {"format": FORMAT, "configuration": kept}
    path = out / IDENTITY
    if out.exists() and not out.is_dir():
        raise RobokilnError(f"{out}: expected a directory, found a file; choose another out=DIR")
    if not path.exists():
        if out.exists() and any(out.iterdir()):
            raise RobokilnError(
                f"{out}: not empty and not begun by `robokiln improve`; choose another out=DIR"
            )
        make_directory(out)
        write_json(path, now)
        return
    refuse_links(out)
    lines = differences(_read(path), now)
    if lines:
        raise RobokilnError(
            f"{out} was begun with another configuration:\n"
            + "\n".join(lines)
            + "\nUse the same values to continue it, or choose another out=DIR."
        )


def _read(path: Path) -> Mapping[str, Any]:
    try:
        found = parse_json(path.read_text())
        if found["format"] == FORMAT and isinstance(found["configuration"], dict):
            return dict(found)
    except (ValueError, KeyError, TypeError):
        pass
    raise RobokilnError(f"{path}: not a configuration of `robokiln improve`")


def _row(standing: Standing) -> tuple[str, str]:
    return (
        f"round {standing.round}, {standing.arm}",
        f"{standing.demonstrations} demonstrations, {standing.frames} frames: "
        f"{counted(standing.success)}",
    )
