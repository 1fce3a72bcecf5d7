"""Power is lost after every step of a recorded run: what must still be there, and what resumes."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from power_model import LIVE, VARIANTS, Disk, Tree, materialise, real_tree
from power_trace import COMMAND, EPISODES, Operation, operations, record

from robokiln.cli import main
from robokiln.dataset import card_is_intact

RUN = "new/run"
"""Below the root: two directories that the run itself has to create, so has to make durable."""

INTERRUPTED = ("commit.renamed@1=kill_coordinator", "publish.described=kill")
"""Two runs are killed, each leaving work that its successor removes, and a third one ends."""


@dataclass(frozen=True)
class Recording:
    """The operations of one or several runs, and what they made of an empty directory."""

    operations: tuple[Operation, ...]
    made: Tree


@dataclass(frozen=True)
class Crash:
    """What the disk holds when power is lost after the operation `after`.

    `acknowledged`: units and dataset whose directory had been synced with them in it by then.
    """

    after: int
    variant: str
    tree: Tree
    acknowledged: frozenset[str]

    def __str__(self) -> str:
        return f"operation {self.after}, {self.variant}"

    def state(self) -> tuple[str, ...]:
        """What tells this crash from others: the run directory's names and the units."""
        units = children(self.tree, f"{RUN}/units")
        names = {re.sub(r"\d+$", "N", name) for name in children(self.tree, RUN)}
        return (self.variant, *sorted(names), *sorted(units))


@dataclass
class Findings:
    """What went wrong, a line for each case."""

    crash_points: int = 0
    resumed: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    different_bytes: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """The numbers alone."""
        return {
            "crash_points": self.crash_points,
            "variants": len(VARIANTS),
            "lost": len(self.lost),
            "doubled": len(self.doubled),
            "different_bytes": len(self.different_bytes),
            "resumed": self.resumed,
        }


def recorded(folder: Path, faults: tuple[str, ...] = ()) -> Recording:
    """Record a run, after one that is killed by each of the faults, below the empty `folder`.

    Checks that a replay of all of it gives the very same files.
    """
    root, trace = folder.resolve() / "root", folder / "trace"
    root.mkdir()
    steps: tuple[Operation, ...] = ()
    for fault in (*faults, ""):
        record(root / RUN, trace, fault)
        steps += tuple(operations(trace, root))
    disk = Disk()
    for step in steps:
        disk.apply(step)
    made = real_tree(root)
    replayed = disk.tree(LIVE)
    wrong = [n for n in sorted({*made, *replayed}) if made.get(n, n) != replayed.get(n, n)]
    if wrong:
        raise AssertionError(f"the replay is not what the run wrote: {wrong}")
    return Recording(steps, made)


def crashes(steps: Iterable[Operation]) -> Iterator[Crash]:
    """A power loss after each operation that left a mark, in both variants."""
    disk, acknowledged = Disk(), frozenset[str]()
    for number, step in enumerate(steps):
        if not disk.apply(step):
            continue
        synced = disk.synced_folder(step)
        if synced is not None and synced is disk.folder(f"{RUN}/units"):
            acknowledged |= {f"{RUN}/units/{name}" for name in synced.live}
        if synced is not None and synced is disk.folder(RUN):
            acknowledged |= {f"{RUN}/dataset"} & {f"{RUN}/{name}" for name in synced.live}
        for variant in VARIANTS:
            yield Crash(number, variant, disk.tree(variant), acknowledged)


def inspect(steps: Iterable[Operation], findings: Findings) -> list[Crash]:
    """Check the invariants after every crash; the first crash of each distinct state."""
    states: dict[tuple[str, ...], Crash] = {}
    for crash in crashes(steps):
        states.setdefault(crash.state(), crash)
        findings.crash_points += crash.variant == VARIANTS[0]
        findings.lost += [f"{crash}: {what}" for what in missing(crash)]
        slots = [json.loads(c)["slot"] for c in _manifests(crash.tree).values() if c]
        if len(slots) != len(set(slots)):
            findings.doubled.append(f"{crash}: {slots}")
    return list(states.values())


def missing(crash: Crash) -> Iterator[str]:
    """What should be there and whole, and isn't."""
    tree = crash.tree
    yield from sorted(crash.acknowledged - set(tree))
    for unit, manifest in _manifests(tree).items():
        yield from _damage(tree, unit, manifest)
    if f"{RUN}/dataset" in tree:
        yield from _dataset_damage(tree, f"{RUN}/dataset")
    plan = tree.get(f"{RUN}/plan.json")
    if plan is not None and not _parses(plan):
        yield f"{RUN}/plan.json"


def resume(crash: Crash, undisturbed: Tree, findings: Findings) -> None:
    """Run the same command on what is left of a crash: it has to end with the same bytes."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        materialise(crash.tree, root)
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = main([*COMMAND, f"out={root / RUN}"])
        findings.resumed += 1
        if code != 0:
            findings.lost.append(f"{crash}: the resume ended with {code}: {said.getvalue()}")
            return
        made = real_tree(root)
    if len(children(made, f"{RUN}/units")) != EPISODES:
        findings.doubled.append(f"{crash}: {children(made, f'{RUN}/units')}")
    kept = {**_manifests(made), "": made.get(f"{RUN}/dataset/SHA256SUMS")}
    if kept != {**_manifests(undisturbed), "": undisturbed[f"{RUN}/dataset/SHA256SUMS"]}:
        findings.different_bytes.append(f"{crash}")
    findings.different_bytes += [f"{crash}: {d}" for d in _dataset_damage(made, f"{RUN}/dataset")]


def measure(resumes: int | None = None) -> dict[str, int]:
    """Counts over all crash points of an undisturbed and of an interrupted run.

    `resumes` is the number of distinct states of each that are resumed; None: all of them.
    """
    findings = Findings()
    for faults in ((), INTERRUPTED):
        with tempfile.TemporaryDirectory() as folder:
            recording = recorded(Path(folder), faults)
        for crash in spread(inspect(recording.operations, findings), resumes):
            resume(crash, recording.made, findings)
    return findings.counts()


def spread(states: list[Crash], number: int | None) -> list[Crash]:
    """So many of the states, evenly over the run; all for None."""
    if number is None or number >= len(states):
        return states
    return [states[(2 * i + 1) * len(states) // (2 * number)] for i in range(number)]


def children(tree: Tree, folder: str) -> list[str]:
    """The names in a directory."""
    below = (name.removeprefix(f"{folder}/") for name in tree if name.startswith(f"{folder}/"))
    return [name for name in below if "/" not in name]


def _manifests(tree: Tree) -> dict[str, bytes | None]:
    """Each unit in units/, with its unit.json."""
    units = (f"{RUN}/units/{name}" for name in children(tree, f"{RUN}/units"))
    return {unit: tree.get(f"{unit}/unit.json") for unit in units}


def _damage(tree: Tree, unit: str, manifest: bytes | None) -> Iterator[str]:
    if manifest is None or not _parses(manifest):
        yield f"{unit}/unit.json"
        return
    files = json.loads(manifest)["files"]
    if sorted(children(tree, unit)) != sorted([*files, "unit.json"]):
        yield f"{unit}: {children(tree, unit)} instead of {sorted(files)}"
    for name, facts in files.items():
        held = tree.get(f"{unit}/{name}") or b""
        if (len(held), _sha256(held)) != (facts["bytes"], facts["sha256"]):
            yield f"{unit}/{name}"


def _dataset_damage(tree: Tree, root: str) -> Iterator[str]:
    sums = (tree.get(f"{root}/SHA256SUMS") or b"").decode()
    recorded_sums = {
        f"{root}/{line.partition('  ')[2]}": line.partition("  ")[0] for line in sums.splitlines()
    }
    held = {
        name: _sha256(contents)
        for name, contents in tree.items()
        if contents is not None and name.startswith(f"{root}/") and name != f"{root}/SHA256SUMS"
    }
    if not recorded_sums:
        yield f"{root}/SHA256SUMS"
    card = held.pop(f"{root}/README.md", None)  # it has its checksum inside
    if card is None or not _card_is_whole(tree[f"{root}/README.md"] or b""):
        yield f"{root}/README.md"
    names = {*recorded_sums, *held}
    yield from sorted(n for n in names if recorded_sums.get(n) != held.get(n))


def _card_is_whole(card: bytes) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "README.md").write_bytes(card)
        return card_is_intact(Path(folder))


def _parses(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1024)
def _sha256(contents: bytes) -> str:
    return hashlib.sha256(contents).hexdigest()
