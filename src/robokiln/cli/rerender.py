"""`robokiln rerender`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from robokiln.cli.compose import require
from robokiln.cli.generate import explain_incomplete, make, refuse_beside_plan
from robokiln.cli.progress import closing_table
from robokiln.cli.settings import (
    Configuration,
    cameras_and_sensors,
    equipped,
    recorded_plan,
)
from robokiln.frames import LookConfig
from robokiln.frames.rig import Rig
from robokiln.kiln import Plan, again, open_source
from robokiln.kiln.gates import GateConfig
from robokiln.serial import from_json
from robokiln.types import RobokilnError

AS_THE_SOURCE = ("seed", "looks_per_episode", "episodes", "antialias", "codec", "record")
"""Keys that are fields of the plan; null leaves them as the source's plan has them."""


def main(configuration: Configuration, command: str) -> int:
    """Make a dataset of another's motions; 0, or 3 if slots had to be given up."""
    require(configuration, "rerender", "dataset")
    root, out = Path(configuration["dataset"]), Path(configuration["out"])
    if configuration["plan"] is not None:
        refuse_beside_plan(command, "dataset")
    plan = rerender_plan(configuration, root)
    result = make(configuration, plan, out, command, root)
    if result.dataset is None:
        return explain_incomplete(result, out)
    sizes = {f"{c.name} {c.width} x {c.height}": None for c in plan.cameras}
    rows = [
        ("dataset", str(result.dataset)),
        ("rendered from", str(root)),
        ("motions, looks each", f"{plan.episodes}, {plan.looks_per_episode}"),
        ("cameras", ", ".join(sizes)),
        ("labels", ", ".join(("motion", "cameras", *plan.record))),
        ("run", str(out / "run.json")),
    ]
    if result.already_complete:
        print(f"{out} is already complete; checked, nothing to do.")
    closing_table(rows, f"robokiln show dataset={result.dataset} beside={root}")
    return 0


def rerender_plan(configuration: Configuration, root: Path) -> Plan:
    """The source's plan with everything that the configuration gives in its place."""
    source = open_source(root)
    if configuration["plan"] is not None:
        recorded = recorded_plan(Path(configuration["plan"]))
        if recorded.origin is None:
            raise RobokilnError(
                f"plan: {configuration['plan']}: simulates; `robokiln generate plan=FILE` makes it"
            )
        return recorded
    plan = source.plan
    changes = {k: configuration[k] for k in AS_THE_SOURCE if configuration[k] is not None}
    if "record" in changes:
        changes["record"] = tuple(changes["record"])
    if "look" in configuration:
        changes["look"] = from_json(LookConfig, configuration["look"], "look")
    if "gates" in configuration:
        changes["gates"] = from_json(GateConfig, configuration["gates"], "gates")
    if "cameras" in configuration:
        views, sensors = cameras_and_sensors(configuration, plan.robot, plan.task)
    else:
        views, sensors = equipped(configuration, Rig(plan.cameras, sensors=plan.sensors))
    changes |= {"cameras": views, "sensors": sensors}
    return again(source, replace(plan, **changes))
