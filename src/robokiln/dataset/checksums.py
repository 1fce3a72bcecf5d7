"""SHA256SUMS: the proof that two datasets are the same, and that one is undamaged."""

from __future__ import annotations

import os
from pathlib import Path

from robokiln.dataset.layout import CHECKSUMS, DatasetError
from robokiln.files import file_hash, sync_directory, sync_file


def dataset_files(root: Path) -> list[str]:
    """Every file's path below `root`, sorted; a symbolic link is an error."""
    found = []
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = Path(folder, name)
            if path.is_symlink():
                raise DatasetError(f"{path}: is a symbolic link; a dataset holds files only")
            if name in files:
                found.append(path.relative_to(root).as_posix())
    return sorted(found)


def write_checksums(root: Path) -> None:
    """Write SHA256SUMS over every other file, and see that all of it has reached the disk.

    `sha256sum -c SHA256SUMS` checks it.
    """
    names = [name for name in dataset_files(root) if name != CHECKSUMS]
    lines = [f"{_sync_and_hash(root / name)}  {name}\n" for name in names]
    (root / CHECKSUMS).write_text("".join(lines), encoding="utf-8")
    _sync_and_hash(root / CHECKSUMS)
    for folder, _, _ in os.walk(root):
        sync_directory(Path(folder))


def verify_checksums(root: Path, unread: str = "") -> None:
    """An error that names the files which are missing, new, or not what SHA256SUMS says.

    Files below the folder `unread` have to be there, but aren't read.
    """
    path = root / CHECKSUMS
    if not path.is_file():
        raise DatasetError(f"{path}: is missing, so the dataset can't be verified")
    recorded = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        recorded[name] = digest
    present = {name for name in dataset_files(root) if name != CHECKSUMS}
    problems = [f"{name} is missing" for name in sorted(set(recorded) - present)]
    problems += [f"{name} isn't listed" for name in sorted(present - set(recorded))]
    for name in sorted(present & set(recorded)):
        skipped = unread and name.startswith(f"{unread}/")
        if not skipped and file_hash(root / name) != recorded[name]:
            problems.append(f"{name} was changed")
    if problems:
        raise DatasetError(f"{root}: differs from its {CHECKSUMS}: {'; '.join(problems)}")


def _sync_and_hash(path: Path) -> str:
    sync_file(path)
    return file_hash(path)
