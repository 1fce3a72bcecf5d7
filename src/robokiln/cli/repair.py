"""`robokiln repair`."""

from __future__ import annotations

from pathlib import Path

from robokiln.cli.compose import require
from robokiln.cli.generate import explain_incomplete, kiln_progress
from robokiln.cli.progress import closing_table
from robokiln.cli.settings import Configuration, execution, optional_path
from robokiln.kiln import repair


def main(configuration: Configuration, command: str) -> int:
    """Restore a run or a dataset; 0, or 3 if a slot could not be made again."""
    require(configuration, "repair", "dataset")
    where, source = Path(configuration["dataset"]), optional_path(configuration["source"])
    with kiln_progress() as show:
        found = repair(where, execution(configuration), show, command, source)
    if found.result is None and found.problems:
        closing_table([("mended", what) for what in found.problems], f"robokiln verify {where}")
        return 0
    if found.result is None:
        print(f"{where}: nothing is damaged; nothing was changed.")
        return 0
    if found.result.dataset is None:
        return explain_incomplete(found.result, where)
    rows = [("damaged", problem) for problem in found.problems]
    rows += [("kept aside", str(path)) for path in found.kept]
    rows += [("now", "the recorded bytes again")]
    closing_table(rows, f"robokiln verify {where}")
    return 0
