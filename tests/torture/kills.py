"""Kills at random times and after every step of the commit protocol."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import undisturbed as runs
from undisturbed import Undisturbed

from robokiln.cli.codes import INCOMPLETE
from robokiln.faults import RUN_POINTS, UNIT_POINTS
from robokiln.kiln.generate import INFRASTRUCTURE_TRIES

Say = Callable[[str], None]


def random_kills(
    folder: Path,
    expected: Undisturbed,
    wanted: int,
    mean_s: float,
    seed: int = 0,
    say: Say = lambda _: None,
) -> Counter[str]:
    """SIGKILL the coordinator at the times of a Poisson process on the run's own clock, so that
    they are uniform over the run; resume each time, until it ends; begin again until there are
    `wanted` kills. Kills before the first commit don't count.
    """
    rng, counts, number = np.random.default_rng(seed), Counter[str](), 0
    while counts["kills"] < wanted:
        out = folder / f"run-{number}"
        counts += _killed_until_done(out, expected, rng, mean_s, wanted - counts["kills"])
        counts["runs"] += 1
        shutil.rmtree(out)
        number += 1
        say(f"{number} runs, {dict(counts)}")
    return counts


def _killed_until_done(
    out: Path, expected: Undisturbed, rng: np.random.Generator, mean_s: float, most: int
) -> Counter[str]:
    counts, before = Counter[str](), set[str]()
    while True:
        process = runs.start(out, expected.episodes, "workers=2")
        left = rng.exponential(mean_s) if counts["kills"] < most else runs.PLENTY_S
        try:
            assert process.wait(left) == 0
        except subprocess.TimeoutExpired:
            runs.kill(process)
            counts += runs.compare(out, before, expected)
            before = set(runs.manifests(out))
            counts["kills"] += bool(before)
            counts["kills_while_publishing"] += (out / "dataset.building").exists()
            continue
        return counts + runs.compare_finished(out, expected)


def worker_kills(
    folder: Path, expected: Undisturbed, mean_s: float, seed: int, most: int
) -> Counter[str]:
    """At most `most` kills of random workers; the coordinator must make up for each. A slot whose
    worker was killed at every try is given up and said to be: then the same command must fill it.
    """
    rng, counts, out = np.random.default_rng(seed), Counter[str](), folder / "workers"
    while True:
        before, killed = set(runs.manifests(out)), 0
        process = runs.start(out, expected.episodes, "workers=2")
        while process.poll() is None:
            time.sleep(rng.exponential(mean_s))
            workers = list(_workers(process.pid))
            if workers and (out / "units").exists() and counts["worker_kills"] < most:
                os.kill(workers[int(rng.integers(len(workers)))], signal.SIGKILL)
                counts["worker_kills"] += 1
                killed += 1
        code = runs.finish(process)
        if code == 0:
            return counts + runs.compare_finished(out, expected)
        assert code == INCOMPLETE, f"exit code {code}"
        assert killed >= INFRASTRUCTURE_TRIES, f"gave up after {killed} kills"
        counts += runs.compare(out, before, expected)
        counts["runs_that_gave_up"] += 1


def _workers(parent: int) -> Iterator[int]:
    """Processes that the coordinator spawned to work, by their command lines."""
    for child in Path(f"/proc/{parent}/task/{parent}/children").parent.parent.glob("*/children"):
        for pid in child.read_text().split():
            line = Path(f"/proc/{pid}/cmdline")
            if line.exists() and b"spawn_main" in line.read_bytes():
                yield int(pid)


def kill_at_every_step(
    folder: Path, expected: Undisturbed, say: Say = lambda _: None
) -> Counter[str]:
    """A worker, or the coordinator, dies right after each step of the protocol; then a resume."""
    cases = [
        (f"{point}@1", action) for point in UNIT_POINTS for action in ("kill", "kill_coordinator")
    ]
    cases += [(point, "kill") for point in RUN_POINTS]
    counts = Counter[str]()
    for number, (where, action) in enumerate(cases):
        out, once = folder / f"step-{number}", folder / f"once-{number}"
        fault = f"{where}={action}"
        process = runs.start(out, expected.episodes, "workers=2", faults=fault, once=once)
        code = runs.finish(process)
        assert list(once.iterdir()), f"{fault} never happened"
        before = set(runs.manifests(out))
        survives = action == "kill" and "@" in where
        assert code == (0 if survives else -signal.SIGKILL), f"{fault}: exit code {code}"
        assert runs.finish(runs.start(out, expected.episodes, "workers=2")) == 0, fault
        counts += runs.compare(out, before, expected) + runs.compare_finished(out, expected)
        counts["failpoints"] += 1
        say(f"{fault}: {dict(counts)}")
        shutil.rmtree(out)
    return counts
