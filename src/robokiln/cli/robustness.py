"""`robokiln robustness`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robokiln.cli.compose import choices, load_choice
from robokiln.cli.evaluate import (
    check_policies,
    policies_of,
    running_rates,
    trained,
    versions,
)
from robokiln.cli.progress import closing_table
from robokiln.cli.settings import Configuration, evaluation, execution
from robokiln.cli.suggest import unknown
from robokiln.files import write_file
from robokiln.serial import overlaid
from robokiln.types import RobokilnError

if TYPE_CHECKING:
    from robokiln.report.robustness import Axis, Robustness

CHANGED = ("look", "scene", "episode", "sensor")
"""What an axis may change of the configuration."""


def main(configuration: Configuration, command: str) -> int:
    """Evaluate policies on every axis."""
    policies, out = policies_of(configuration), Path(configuration["out"])
    if not policies:
        raise RobokilnError("image_policy or state_policy: expected a trained policy's directory")
    axes = suite(configuration, policies)
    check_policies(policies, axes[0].config)
    from robokiln.report.facts import ReportFacts
    from robokiln.report.page import write_report
    from robokiln.report.robustness import measure
    from robokiln.report.robustness_pictures import SHEET, plot, sheet

    found = measure(axes, policies, out, execution(configuration), running_rates)
    write_file(out / "robustness.png", plot(found))
    sheet(axes).save(out / SHEET)
    facts = ReportFacts(
        title=f"robokiln robustness: {found.task}",
        commands=(command,),
        training=trained(policies),
        robustness=found,
        robustness_dir=out,
        versions=versions(),
        seeds={"evaluation": found.seed},
    )
    page, _ = write_report(out, facts)
    closing_table([*table(found), ("report", str(page))], f"open {page}")
    return 0


def suite(configuration: Configuration, policies: Mapping[str, Path]) -> list[Axis]:
    """The nominal axis and those that the configuration names."""
    from robokiln.report.robustness import NOMINAL, Axis

    found = [Axis(NOMINAL, "as in training", evaluation(configuration, policies, films=False))]
    for name in configuration["axes"]:
        note, changed = changes(str(name))
        config = evaluation(overlaid(configuration, changed), policies, films=False)
        found.append(Axis(str(name), note, config))
    return found


def changes(name: str) -> tuple[str, dict[str, Any]]:
    """An axis's note, and what it changes of a configuration."""
    if name not in choices("robustness"):
        raise RobokilnError(unknown("axis", name, choices("robustness")))
    own = load_choice("robustness", name)
    note, parts = str(own.pop("note")), own.pop("combine", [])
    for key in own:
        if key not in CHANGED:
            raise RobokilnError(f"axis {name}: {unknown('key', key, CHANGED)}")
    together: dict[str, Any] = {}
    for part in parts:
        together = overlaid(together, changes(part)[1])
    return note, overlaid(together, own)


def table(found: Robustness) -> list[tuple[str, str]]:
    """A line an axis: each row's rate, and the points that it loses."""
    lines = []
    for name, axis in found.axes.items():
        parts = []
        for row, result in axis.rows.items():
            text = f"{row} {result.successes}/{result.n} ({result.low:.0%} to {result.high:.0%})"
            if row in axis.drops:
                lost, low, high = (100 * v for v in vars(axis.drops[row].lost).values())
                text += f", lost {lost:+.0f} [{low:+.0f}, {high:+.0f}]"
            parts.append(text)
        lines.append((name, "; ".join(parts)))
    return lines
