"""SHA256SUMS: the proof that two datasets are the same, and that one is undamaged."""

from __future__ import annotations

import os
from pathlib import Path

from robokiln.dataset.layout import CARD, CHECKSUMS, DatasetError
from robokiln.files import file_hash, sync_directory, sync_file

UNLISTED = frozenset({CARD, CHECKSUMS})
"""The card tells what its making took, and so differs from run to run; it has a checksum inside."""


def dataset_files(root: Path) -> list[str]:
    """Every file's path below `root`, sorted; a symbolic link is an error."""
    found = []
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = Path(folder, name)
            if path.is_symlink():
                raise DatasetError(f"{path}: is a symbolic link; a dataset holds files only")
            if name in files:
                if not path.is_file():
                    raise DatasetError(f"{path}: is not a plain file; a dataset holds files only")
                found.append(path.relative_to(root).as_posix())
    return sorted(found)


def read_checksums(root: Path) -> dict[str, str]:
    """SHA-256 by file."""
    path = root / CHECKSUMS
    if not path.is_file():
        raise DatasetError(f"{path}: is missing, so the dataset can't be verified")
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def write_checksums(root: Path) -> None:
    """Write SHA256SUMS over all data, and see that everything has reached the disk.

    `sha256sum -c SHA256SUMS` checks it.
    """
    names = [name for name in dataset_files(root) if name not in UNLISTED]
    lines = [f"{_sync_and_hash(root / name)}  {name}\n" for name in names]
    (root / CHECKSUMS).write_text("".join(lines), encoding="utf-8")
    for name in sorted(UNLISTED & {p.name for p in root.iterdir()}):
        sync_file(root / name)
    for folder, _, _ in os.walk(root):
        sync_directory(Path(folder))


def verify_checksums(root: Path, unread: str = "") -> None:
    """An error that names the files which are missing, new, or not what SHA256SUMS says.

    Files below the folder `unread` have to be there, but aren't read.
    """
    problems = damages(root, unread)
    if problems:
        raise DatasetError(f"{root}: differs from its {CHECKSUMS}: {'; '.join(problems)}")


def damages(root: Path, unread: str = "") -> list[str]:
    """One line for each file that is missing, new, or not what SHA256SUMS says."""
    recorded = read_checksums(root)
    present = {name for name in dataset_files(root) if name not in UNLISTED}
    problems = [f"{name} is missing" for name in sorted(set(recorded) - present)]
    problems += [f"{name} isn't listed" for name in sorted(present - set(recorded))]
    for name in sorted(present & set(recorded)):
        skipped = unread and name.startswith(f"{unread}/")
        if not skipped and file_hash(root / name) != recorded[name]:
            problems.append(f"{name} was changed")
    return problems


def _sync_and_hash(path: Path) -> str:
    sync_file(path)
    return file_hash(path)
