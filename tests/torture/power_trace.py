"""What a real `generate` asks of the file system, in order: recorded with strace, and read back."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

EPISODES = 3
COMMAND = ("generate", "image_size=32", "antialias=false", f"episodes={EPISODES}", "workers=1")
CALLS = (
    "openat,open,creat,openat2,write,pwrite64,writev,pwritev,pwritev2,lseek,ftruncate,truncate,"
    "fallocate,copy_file_range,sendfile,rename,renameat,renameat2,link,linkat,symlink,symlinkat,"
    "unlink,unlinkat,mkdir,mkdirat,rmdir,fsync,fdatasync,sync_file_range,"
    "dup,dup2,dup3,fcntl,clone,clone3,fork,vfork"
)
"""Whatever changes files or names, or says which file a descriptor stands for."""
LONGEST = 1 << 26
"""Bytes of one write that are recorded: more than a run this small ever writes at once."""

_BYTES = r"(?:\\x[0-9a-f]{2})*"
_CALL = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+)")
_UNFINISHED = re.compile(r"(\d+) +((\w+)\(.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)$")
_STRING = re.compile(f'"({_BYTES})"')
_HANDLE = re.compile(rf"(\d+|AT_FDCWD)<({_BYTES})>")
_NUMBER = re.compile(r"(-?\d+)")
_FORKS = ("clone", "clone3", "fork", "vfork")


class Unmodelled(Exception):
    """The run did something to its files that the replay knows nothing of."""


@dataclass(frozen=True)
class Operation:
    """One step on the files below the root; `file` numbers what was opened, not a descriptor.

    kind: open (flags), seek (number), write (data; number is where, None: at the position),
    truncate (number), sync; mkdir, rmdir, unlink, rename (path, other).
    """

    kind: str
    file: int = -1
    path: str = ""
    other: str = ""
    data: bytes = b""
    number: int | None = None
    flags: frozenset[str] = frozenset()


def why_not() -> str | None:
    """Why nothing can be recorded here; None if it can."""
    if shutil.which("strace") is None:
        return "strace isn't installed (Debian package strace)"
    tried = subprocess.run(["strace", "-f", "-o", os.devnull, "true"], capture_output=True)
    return None if tried.returncode == 0 else "strace may not trace processes here (ptrace)"


def installable() -> bool:
    """Whether this user could install strace, so that its absence is an oversight."""
    if shutil.which("apt-get") is None:
        return False
    if os.geteuid() == 0:
        return True
    sudo = shutil.which("sudo")
    return sudo is not None and subprocess.run([sudo, "-n", "true"]).returncode == 0


def record(out: Path, trace: Path, fault: str = "") -> None:
    """Run the small `generate` into `out`, and write what strace saw to `trace`.

    A fault, as in robokiln.faults, is one that kills the run.
    """
    strace = ["strace", "-f", "-y", "-xx", "-s", str(LONGEST), "--seccomp-bpf", "-o", str(trace)]
    program = [sys.executable, "-m", "robokiln.cli", *COMMAND, f"out={out}"]
    done = subprocess.run(
        [*strace, "-e", f"trace={CALLS}", *program],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "ROBOKILN_FAULTS": fault},
    )
    if (done.returncode == 0) == bool(fault):
        raise RuntimeError(f"the recorded run ended with {done.returncode}: {done.stderr}")


def operations(trace: Path, root: Path) -> list[Operation]:
    """What happened below `root`, an absolute path without symbolic links."""
    reader = _Reader(str(root))
    with trace.open() as lines:
        return [found for line in _whole(lines, reader) for found in reader.read(line)]


def _whole(lines: Iterator[str], reader: _Reader) -> Iterator[str]:
    """Calls that another thread's line cut in two, joined, at the time when they returned."""
    begun: dict[str, str] = {}
    for line in lines:
        reader.meet(line.split(maxsplit=1)[0], begun)
        if cut := _UNFINISHED.match(line):
            begun[cut[1]] = f"{cut[1]} {cut[2]}"
        elif rest := _RESUMED.match(line):
            yield begun.pop(rest[1]) + rest[2]
        else:
            yield line


class _Reader:
    """Follows descriptors through opens, duplicates and forks."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._mark = "".join(f"\\x{byte:02x}" for byte in root.encode())
        self._tables: dict[str, dict[int, int]] = {}
        self._files = count()

    def meet(self, thread: str, begun: dict[str, str]) -> None:
        """A thread's first line may come before its creator's call has returned."""
        if thread in self._tables:
            return
        parents = [(t, c) for t, c in begun.items() if any(f" {f}(" in c for f in _FORKS)]
        self._tables[thread] = self._inherited(*parents[-1]) if parents else {}

    def _inherited(self, parent: str, call: str) -> dict[int, int]:
        """Threads share their descriptors; a forked process has copies, of the same open files."""
        table = self._tables[parent]
        return table if "CLONE_FILES" in call else dict(table)

    def read(self, line: str) -> Iterator[Operation]:
        """The operations of one line: none if it failed, or happened elsewhere."""
        if (call := _CALL.match(line)) is None or int(call[4]) < 0:
            return
        thread, name, arguments, result = call[1], call[2], call[3], int(call[4])
        if name in _FORKS:
            self._tables.setdefault(str(result), self._inherited(thread, arguments))
        elif self._mark in line:
            yield from self._operation(name, arguments, result, self._tables[thread])

    def _operation(
        self, name: str, arguments: str, result: int, table: dict[int, int]
    ) -> Iterator[Operation]:
        if name in ("open", "openat", "creat"):
            yield from self._open(name, arguments, result, table)
        elif name in _NAMES:
            paths = _paths(arguments)
            if any(_inside(path, self.root) for path in paths):
                kind = "rmdir" if "AT_REMOVEDIR" in arguments else _NAMES[name]
                yield Operation(kind, -1, *map(self._below, paths))
        elif name in _ON_FILES or name in _DUPLICATES:
            number, path = _descriptor(arguments)
            if not _inside(path, self.root):
                return
            if name in _ON_FILES:
                yield _ON_FILES[name](table[number], arguments, result)
            elif name != "fcntl" or "F_DUPFD" in arguments:
                table[result] = table[number]
        else:
            raise Unmodelled(f"{name}({arguments}")

    def _open(
        self, name: str, arguments: str, result: int, table: dict[int, int]
    ) -> Iterator[Operation]:
        path = _paths(arguments)[0]
        if not _inside(path, self.root):
            table.pop(result, None)
            return
        table[result] = next(self._files)
        flags = frozenset(re.findall(r"\bO_[A-Z]+", arguments))
        if name == "creat":
            flags = frozenset({"O_CREAT", "O_TRUNC", "O_WRONLY"})
        yield Operation("open", table[result], self._below(path), flags=flags)

    def _below(self, path: str) -> str:
        if not _inside(path, self.root):
            raise Unmodelled(f"{path}: moved across the border of {self.root}")
        return os.path.relpath(path, self.root)


def _inside(path: str, root: str) -> bool:
    return path == root or path.startswith(root + "/")


def _decoded(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _descriptor(arguments: str) -> tuple[int, str]:
    """The first argument, with the path that strace shows for it."""
    found = _HANDLE.match(arguments)
    assert found is not None, arguments
    return int(found[1]), _decoded(found[2]).decode()


def _paths(arguments: str) -> list[str]:
    """Each string argument, joined to the directory descriptor before it."""
    names = [_decoded(name).decode() for name in _STRING.findall(arguments)]
    folders = [_decoded(path).decode() for _, path in _HANDLE.findall(arguments)]
    folders += [""] * (len(names) - len(folders))
    return [
        os.path.normpath(os.path.join(folder, name))
        for folder, name in zip(folders, names, strict=False)
    ]


def _written(file: int, arguments: str, result: int, at: bool = False) -> Operation:
    data = b"".join(_decoded(part) for part in _STRING.findall(arguments))[:result]
    if len(data) != result:
        raise Unmodelled(f"a write of {result} bytes was recorded in part")
    return Operation("write", file, data=data, number=_last(arguments) if at else None)


def _sought(file: int, arguments: str, result: int) -> Operation:
    return Operation("seek", file, number=result)


def _truncated(file: int, arguments: str, result: int) -> Operation:
    return Operation("truncate", file, number=_last(arguments))


def _synced(file: int, arguments: str, result: int) -> Operation:
    return Operation("sync", file)


def _last(arguments: str) -> int:
    return int(_NUMBER.findall(arguments.rsplit(", ", 1)[1])[-1])


_ON_FILES = {
    "write": _written,
    "writev": _written,
    "pwrite64": partial(_written, at=True),
    "pwritev": partial(_written, at=True),
    "lseek": _sought,
    "ftruncate": _truncated,
    "fsync": _synced,
    "fdatasync": _synced,
}
_DUPLICATES = ("dup", "dup2", "dup3", "fcntl")
_NAMES = {
    "mkdir": "mkdir",
    "mkdirat": "mkdir",
    "rmdir": "rmdir",
    "unlink": "unlink",
    "unlinkat": "unlink",
    "rename": "rename",
    "renameat": "rename",
    "renameat2": "rename",
}
