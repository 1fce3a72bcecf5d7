"""A file system that loses power: inodes, what of them was synced, and which names would last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from power_trace import Operation

Tree = dict[str, bytes | None]
"""Files by path with their contents; None for a directory."""

LIVE, NAMES_KEPT, NOTHING_UNSYNCED = "live", "names kept, data lost", "nothing unsynced"
VARIANTS = (NAMES_KEPT, NOTHING_UNSYNCED)
"""After a power loss: every rename and unlink lasted, but only synced contents; or else a name
lasted only if its directory was synced afterwards. Real file systems lie in between."""


@dataclass(eq=False)
class File:
    """`synced`: the contents at the last sync. `kept`: the same, but shrunk by later truncations,
    which are changes to the inode and last together with the names."""

    live: bytearray = field(default_factory=bytearray)
    kept: bytes = b""
    synced: bytes = b""

    def contents(self, variant: str) -> bytes:
        """What is read, by variant."""
        if variant == LIVE:
            return bytes(self.live)
        return self.kept if variant == NAMES_KEPT else self.synced


@dataclass(eq=False)
class Folder:
    """`lasting`: the names that a sync made durable."""

    live: dict[str, Node] = field(default_factory=dict)
    lasting: dict[str, Node] = field(default_factory=dict)


Node = File | Folder


@dataclass(frozen=True)
class Move:
    """A rename that isn't durable yet: it will be when the new directory is synced."""

    node: Node
    source: Folder
    old: str
    target: Folder


@dataclass
class Opened:
    """An open file and its position."""

    node: Node
    appends: bool
    position: int = 0


class Disk:
    """Takes operations one at a time; `tree` says what a power loss would leave right now."""

    def __init__(self) -> None:
        self.root = Folder()
        self._opened: dict[int, Opened] = {}
        self._moves: list[Move] = []

    def apply(self, operation: Operation) -> bool:
        """Do it; whether it changed anything that a power loss could tell."""
        return bool(getattr(self, f"_{operation.kind}")(operation))

    def tree(self, variant: str) -> Tree:
        """Everything below the root."""
        return dict(_walk(self.root, variant, ""))

    def folder(self, path: str) -> Folder | None:
        """A directory as the running program sees it."""
        node: Node | None = self.root
        for part in PurePosixPath(path).parts:
            node = node.live.get(part) if isinstance(node, Folder) else None
        return node if isinstance(node, Folder) else None

    def synced_folder(self, operation: Operation) -> Folder | None:
        """The directory that this operation synced."""
        if operation.kind != "sync":
            return None
        node = self._opened[operation.file].node
        return node if isinstance(node, Folder) else None

    def _at(self, path: str) -> tuple[Folder, str]:
        where = PurePosixPath(path)
        parent = self.folder(str(where.parent))
        assert parent is not None, path
        return parent, where.name

    def _open(self, operation: Operation) -> bool:
        if operation.path == ".":
            self._opened[operation.file] = Opened(self.root, False)
            return False
        parent, name = self._at(operation.path)
        created = name not in parent.live
        if created:
            assert "O_CREAT" in operation.flags, operation
            parent.live[name] = File()
        node = parent.live[name]
        self._opened[operation.file] = Opened(node, "O_APPEND" in operation.flags)
        if isinstance(node, File) and "O_TRUNC" in operation.flags and node.live:
            self._cut(node, 0)
            return True
        return created

    def _seek(self, operation: Operation) -> bool:
        assert operation.number is not None
        self._opened[operation.file].position = operation.number
        return False

    def _write(self, operation: Operation) -> bool:
        opened = self._opened[operation.file]
        node, data = opened.node, operation.data
        assert isinstance(node, File)
        start = operation.number
        if start is None:
            start = len(node.live) if opened.appends else opened.position
            opened.position = start + len(data)
        node.live.extend(bytes(max(0, start - len(node.live))))
        node.live[start : start + len(data)] = data
        return True

    def _truncate(self, operation: Operation) -> bool:
        node = self._opened[operation.file].node
        assert isinstance(node, File)
        assert operation.number is not None
        self._cut(node, operation.number)
        return True

    def _cut(self, node: File, size: int) -> None:
        node.live[size:] = bytes(max(0, size - len(node.live)))
        node.kept = node.kept[:size]

    def _sync(self, operation: Operation) -> bool:
        node = self._opened[operation.file].node
        if isinstance(node, File):
            node.kept = node.synced = bytes(node.live)
        else:
            self._sync_names(node)
        return True

    def _sync_names(self, folder: Folder) -> None:
        """A rename lasts as a whole: a name that moved elsewhere stays until it is safe there."""
        away = {m.old: m.node for m in self._moves if m.source is folder is not m.target}
        folder.lasting = away | folder.live
        arrived = {id(m.node) for m in self._moves if m.target is folder}
        for move in self._moves:
            stale = move.source.lasting.get(move.old) is move.node
            if id(move.node) in arrived and stale and move.old not in move.source.live:
                del move.source.lasting[move.old]
        self._moves = [m for m in self._moves if id(m.node) not in arrived]

    def _mkdir(self, operation: Operation) -> bool:
        parent, name = self._at(operation.path)
        assert name not in parent.live, operation
        parent.live[name] = Folder()
        return True

    def _unlink(self, operation: Operation) -> bool:
        parent, name = self._at(operation.path)
        del parent.live[name]
        return True

    def _rmdir(self, operation: Operation) -> bool:
        return self._unlink(operation)

    def _rename(self, operation: Operation) -> bool:
        source, old = self._at(operation.path)
        target, new = self._at(operation.other)
        node = source.live.pop(old)
        target.live[new] = node
        self._moves.append(Move(node, source, old, target))
        return True


def _walk(folder: Folder, variant: str, prefix: str) -> Iterator[tuple[str, bytes | None]]:
    names = folder.lasting if variant == NOTHING_UNSYNCED else folder.live
    for name, node in sorted(names.items()):
        if isinstance(node, File):
            yield prefix + name, node.contents(variant)
        else:
            yield prefix + name, None
            yield from _walk(node, variant, f"{prefix}{name}/")


def real_tree(root: Path) -> Tree:
    """What lies on the real disk."""
    return {
        path.relative_to(root).as_posix(): None if path.is_dir() else path.read_bytes()
        for path in root.rglob("*")
    }


def materialise(tree: Tree, root: Path) -> None:
    """Write a tree to the real disk."""
    root.mkdir(parents=True)
    for name, contents in sorted(tree.items()):
        if contents is None:
            (root / name).mkdir()
        else:
            (root / name).write_bytes(contents)
