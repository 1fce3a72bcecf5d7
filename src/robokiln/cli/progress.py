"""One line for long work: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

PLAIN_EVERY_S = 15.0


class ProgressLine:
    """Shows done of total, an estimate of the time left, and whatever `detail` says."""

    def __init__(self, label: str) -> None:
        self.label = label
        self._console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[detail]}"),
            TextColumn("ETA"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task(label, total=None, detail="")
        self._start: tuple[float, int] | None = None
        self._printed = 0.0

    def __enter__(self) -> ProgressLine:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def rate(self, done: int) -> float:
        """Done a minute since the first update: what an earlier run did is not counted."""
        if self._start is None:
            return 0.0
        began, first = self._start
        return 60 * (done - first) / max(time.monotonic() - began, 1e-9)

    def update(self, done: int, total: int, detail: str = "") -> None:
        """Show where things stand."""
        now = time.monotonic()
        if self._start is None:
            self._start = now, done
        self._bar.update(self._task, completed=done, total=total, detail=detail)
        due = now - self._printed >= PLAIN_EVERY_S or done == total
        if not self._console.is_terminal and due:
            self._printed = now
            rate = self.rate(done)
            left = f", ETA {60 * (total - done) / rate:.0f} s" if rate and done < total else ""
            print(f"{self.label}: {done}/{total} {detail}{left}", file=sys.stderr, flush=True)


def closing_table(rows: list[tuple[str, str]], following: str) -> None:
    """What was made and where, and the next command to type."""
    width = max(len(name) for name, _ in rows)
    print()
    for name, value in rows:
        print(f"  {name:<{width}}  {value}")
    print(f"\nNext: {following}")


def announce_compiling() -> None:
    """Say why nothing seems to happen, where the renderer was not used on this machine before."""
    from robokiln.frames import is_compiled

    if not is_compiled():
        print("compiling the renderer, once for this machine: about half a minute", file=sys.stderr)
