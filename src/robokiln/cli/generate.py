"""`robokiln generate`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from robokiln.cli.codes import INCOMPLETE
from robokiln.cli.progress import ProgressLine, announce_compiling, closing_table
from robokiln.cli.settings import EXECUTION_KEYS, Configuration, execution, generation_plan
from robokiln.kiln import GenerateResult, Plan, Progress, generate
from robokiln.types import RobokilnError


def main(configuration: Configuration, command: str) -> int:
    """Generate a dataset; 0, or 3 if slots had to be given up."""
    if configuration["plan"] is not None:
        refuse_beside_plan(command)
    out = Path(configuration["out"])
    result = make(configuration, generation_plan(configuration), out, command)
    if result.dataset is None:
        return explain_incomplete(result, out)
    rows = [
        ("dataset", str(result.dataset)),
        ("attempts", f"{result.attempts}, accepted {result.accepted}"),
        *((f"  refused: {reason}", str(count)) for reason, count in result.refused.items()),
        ("run", str(out / "run.json")),
    ]
    if result.already_complete:
        print(f"{out} is already complete; checked, nothing to do.")
    closing_table(rows, f"robokiln train dataset={result.dataset}")
    return 0


def refuse_beside_plan(command: str, *also: str) -> None:
    """A recorded plan is taken whole, so nothing else may seem to have been heard."""
    allowed = (*also, "out", *EXECUTION_KEYS, "accept_environment")
    for argument in shlex.split(command)[2:]:
        key, sign, _ = argument.partition("=")
        if sign and key not in ("plan", *allowed):
            raise RobokilnError(
                f"'{argument}': with plan=FILE only {', '.join(allowed[:-1])} and {allowed[-1]} "
                "may be given"
            )


def make(
    configuration: Configuration, plan: Plan, out: Path, command: str, source: Path | None = None
) -> GenerateResult:
    """`kiln.generate` behind a progress line."""
    how, accept = execution(configuration), configuration["accept_environment"]
    with kiln_progress() as show:
        return generate(plan, out, how, show, command, source, accept)


@contextmanager
def kiln_progress() -> Iterator[Callable[[Progress], None]]:
    """A progress line for each stage of a run, one after the other."""
    announce_compiling()
    lines: dict[str, ProgressLine] = {}

    def show(now: Progress) -> None:
        if now.stage not in lines:
            for earlier in lines.values():
                earlier.__exit__(None, None, None)
            lines[now.stage] = ProgressLine(now.stage).__enter__()
        lines[now.stage].update(now.done, now.total, _detail(now, lines[now.stage]))

    try:
        yield show
    finally:
        for line in lines.values():
            line.__exit__(None, None, None)


def _detail(now: Progress, line: ProgressLine) -> str:
    if now.stage == "assemble":
        return ""
    simulated = now.stage == "generate" and now.attempts
    share = f"yield {now.accepted / now.attempts:.1%}, " if simulated else ""
    lost = f", {now.quarantined} quarantined" if now.quarantined else ""
    return f"{share}{line.rate(now.done):.1f} episodes/min{lost}"


def explain_incomplete(result: GenerateResult, out: Path) -> int:
    """Say which slots were given up, and why."""
    print(f"robokiln: incomplete: {len(result.quarantined)} slots given up", file=sys.stderr)
    for name, reason in list(result.quarantined.items())[:10]:
        print(f"  {name}: {reason}", file=sys.stderr)
    print(f"Details in {out / 'quarantine'}; the same command tries again.", file=sys.stderr)
    return INCOMPLETE
