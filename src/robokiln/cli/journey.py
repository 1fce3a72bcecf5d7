"""`robokiln run`: seeds to report, each stage continued or skipped as it is found."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from robokiln import dataset
from robokiln.cli.evaluate import evaluate_rows, rates, trained, versions
from robokiln.cli.generate import explain_incomplete, make
from robokiln.cli.progress import closing_table
from robokiln.cli.settings import Configuration, evaluation, generation_plan
from robokiln.cli.train import train_config, train_policy
from robokiln.files import write_json
from robokiln.kiln import GenerateResult, enter_baseline
from robokiln.types import RobokilnError

POLICIES = ("state", "image")


def main(configuration: Configuration, command: str) -> int:
    """Generate, train, evaluate, report; 0, or 3 if the dataset is incomplete."""
    out = Path(configuration["out"])
    policies = {f"{name}_policy": out / f"policy_{name}" for name in POLICIES}
    if configuration["plan"] is not None:
        raise RobokilnError("plan: goes with `robokiln generate`; a recipe has its own")
    # All of it is checked first: a mistake in a late stage must not cost the early ones' time.
    plan = generation_plan(configuration)
    for name in POLICIES:
        train_config(configuration[f"policy_{name}"])
    evaluation(configuration, policies)
    made = make(configuration, plan, out / "generate", command)
    if made.dataset is None:
        return explain_incomplete(made, out / "generate")
    watch = _Stopwatch(out / "seconds.json")
    for name in POLICIES:
        settings, where = configuration[f"policy_{name}"], out / f"policy_{name}"
        finished = (where / "policy.json").exists()
        with watch.stage(f"train_{name}", idle=finished):
            train_policy([made.dataset], settings, where, configuration["device"], f"train {name}")
    finished = (out / "evaluation" / "evaluation.json").exists()
    with watch.stage("evaluate", idle=finished):
        found = evaluate_rows(configuration, policies, out / "evaluation")
    enter_baseline(out / "generate", plan, dict(rates(found)))
    page = _report(configuration, command, out, made, watch.seconds)
    minutes = sum(_seconds(out, watch.seconds).values()) / 60
    rows = [
        ("dataset", f"{made.dataset} ({made.accepted} of {made.attempts} attempts)"),
        *(("policy", str(p)) for p in policies.values()),
        *rates(found),
        ("report", str(page)),
        ("minutes", f"{minutes:.1f}"),
    ]
    closing_table(rows, f"open {page}, or: robokiln show dataset={made.dataset}")
    return 0


class _Stopwatch:
    """Wall seconds by stage, summed over interrupted runs of the same journey."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.seconds: dict[str, float] = json.loads(path.read_text()) if path.exists() else {}

    @contextmanager
    def stage(self, name: str, idle: bool) -> Iterator[None]:
        """Time a stage, unless it is only checked because it was finished before."""
        start = time.monotonic()
        try:
            yield
        finally:
            if not idle:
                spent = time.monotonic() - start
                self.seconds[name] = round(self.seconds.get(name, 0.0) + spent, 2)
                write_json(self._path, self.seconds)


def _report(
    configuration: Configuration,
    command: str,
    out: Path,
    made: GenerateResult,
    seconds: dict[str, float],
) -> Path:
    # Imported late: plots and templates are of no use to the other verbs.
    from robokiln.policy import describe
    from robokiln.report.evaluate import read
    from robokiln.report.facts import Generation, ReportFacts
    from robokiln.report.page import write_report

    assert made.dataset is not None
    info = dataset.check(made.dataset)
    folders = {"dataset": made.dataset, **{f"policy_{n}": out / f"policy_{n}" for n in POLICIES}}
    facts = ReportFacts(
        title=f"robokiln {configuration['name']}",
        commands=(command,),
        seconds=_seconds(out, seconds),
        bytes={name: _bytes(folder) for name, folder in folders.items()},
        generation=Generation(
            made.attempts, made.accepted, made.refused, info.episodes, info.frames
        ),
        training=trained({f"{n}_policy": out / f"policy_{n}" for n in reversed(POLICIES)}),
        evaluation=read(out / "evaluation"),
        evaluation_dir=out / "evaluation",
        dataset=made.dataset,
        versions=versions(),
        seeds={
            "generation": configuration["seed"],
            **{f"training, {n}": describe(out / f"policy_{n}").config.seed for n in POLICIES},
            "evaluation": configuration["seed"],
        },
    )
    return write_report(out, facts)[0]


def _seconds(out: Path, later: dict[str, float]) -> dict[str, float]:
    """Every stage's wall time, generation's from its own log."""
    log: dict[str, Any] = json.loads((out / "generate" / "run.json").read_text())
    return {**log["seconds"], **later}


def _bytes(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
