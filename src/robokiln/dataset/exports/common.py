"""What every export keeps of its source: card, units, scenes, and how it was made."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from robokiln import __version__
from robokiln.dataset import layout, tables
from robokiln.dataset.card import card_body
from robokiln.dataset.layout import DatasetError
from robokiln.dataset.reader import Dataset
from robokiln.dataset.reader import open as open_dataset
from robokiln.files import file_hash, write_file, write_json
from robokiln.types import Array, Feature

Progress = Callable[[int, int], None]
"""(episodes done, of)."""
Rows = list[tuple[str, str]]

PROVENANCE = Path("meta") / "robokiln"
_COLUMN = re.compile(r"^\| `([^`]+)` \| \w+ \| \[[\d, ]*\] \| (.*) \|$", re.MULTILINE)


def opened(root: Path) -> Dataset:
    """The dataset, none of its columns and pictures read yet."""
    return open_dataset(root, columns=(), cameras=())


def vectors(data: Dataset) -> tuple[Feature, ...]:
    """The columns of numbers; an error for a matrix, which neither format has."""
    found = tuple(f for f in data.info.features if f.dtype in tables.DTYPES)
    for feature in found:
        if len(feature.shape) != 1:
            raise DatasetError(
                f"{data.info.root}: column '{feature.name}' expected a vector, "
                f"got shape {list(feature.shape)}"
            )
    return found


def left_out(data: Dataset, kept: Sequence[Feature], videos: Sequence[str]) -> str:
    """Names of the columns that the export has not, for the closing table."""
    have = {f.name for f in kept} | set(videos)
    return ", ".join(f.name for f in data.info.features if f.name not in have) or "nothing"


def instruction(data: Dataset, rows: dict[str, Array], episode: int) -> str:
    """The episode's instruction."""
    task = int(rows["task_index"][0])
    if not 0 <= task < len(data.info.tasks):
        raise DatasetError(
            f"{data.info.root}: episode {episode} has the task {task} of {len(data.info.tasks)}"
        )
    return data.info.tasks[task]


def episode_rows(root: Path, wanted: Callable[[str], bool]) -> Iterator[dict[str, Any]]:
    """Of each episode in order, the entries of meta/episodes whose names are wanted."""
    for path in sorted((root / "meta" / "episodes").glob("*/*.parquet")):
        names = [n for n in tables.read_schema(path)[0].names if wanted(n)]
        # A row at a time: a file has a thousand episodes, each with statistics of every column.
        for batch in tables.read_table(path, names).to_batches(max_chunksize=50):
            yield from batch.to_pylist()


def units(root: Path) -> dict[str, str]:
    """The unit of each column, as the dataset's card says; none in a dataset from elsewhere."""
    return {name: unit.replace("&lt;", "<") for name, unit in _COLUMN.findall(card_body(root))}


def write_provenance(data: Dataset, kind: str, new: Path) -> None:
    """Scenes, plan and cameras in meta/robokiln, columns with names and units, and the card."""
    root = data.info.root
    if (root / PROVENANCE).is_dir():
        shutil.copytree(root / PROVENANCE, new / PROVENANCE)
    known = units(root)
    columns = {
        f.name: {"dtype": f.dtype, "shape": f.shape, "names": f.names, "unit": known.get(f.name)}
        for f in data.info.features
    }
    (new / PROVENANCE).mkdir(parents=True, exist_ok=True)
    write_json(new / PROVENANCE / "columns.json", columns)
    if (root / layout.SUBTASKS).is_file():
        names = tables.read_names(root / layout.SUBTASKS, "subtask_index")
        write_json(new / PROVENANCE / "subtasks.json", names)
    proof = next(n for n in (layout.CHECKSUMS, layout.STATS) if (root / n).is_file())
    source = {"format": kind, "robokiln": __version__, "file": proof}
    write_json(
        new / PROVENANCE / "export.json", source | {"source_sha256": file_hash(root / proof)}
    )
    write_file(new / layout.CARD, _card(root, kind, proof).encode())


def _card(root: Path, kind: str, proof: str) -> str:
    head, _, body = card_body(root).removeprefix("---\n").partition("---\n")
    if not kind.startswith("LeRobot"):  # what the hub is told of LeRobot's files isn't true here
        head = "".join(f"{line}\n" for line in head.splitlines() if line.startswith("license:"))
    header = f"---\n{head}---\n" if body else ""
    said = (
        f"\n# Exported as {kind}\n\nrobokiln made this from a LeRobotDataset v3.0 whose {proof} "
        f"has the SHA-256\n`{file_hash(root / proof)}`. Columns, names and units are in "
        f"`{PROVENANCE.as_posix()}/columns.json`."
    )
    below = f"\n\nThe source's own card, as it was:\n{body}" if body else "\n"
    return header + said + below
