"""The commit of a unit: manifest, sync, rename. What lies in units/ is whole, or is not there."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

from robokiln.faults import reach
from robokiln.files import file_hash, sync_directory, sync_tree, write_json
from robokiln.serial import parse_json
from robokiln.types import RobokilnError, RunFailed

MANIFEST = "unit.json"
FORMAT = "robokiln-unit-1"


class Nondeterminism(RunFailed):
    """The same unit was made twice with different bytes: the factory's first promise is broken."""


def commit(staging: Path, target: Path, facts: dict[str, Any]) -> None:
    """Seal `staging` with a manifest of `facts` and of its files, and rename it to `target`.

    If `target` is there already with the same bytes, ours is dropped; else Nondeterminism.
    """
    names = sorted(p.name for p in staging.iterdir())
    files = {
        n: {"bytes": (staging / n).stat().st_size, "sha256": file_hash(staging / n)} for n in names
    }
    write_json(staging / MANIFEST, {"format": FORMAT, **facts, "files": files})
    slot = facts.get("slot")
    reach("commit.sealed", slot)
    sync_tree(staging)
    reach("commit.synced", slot)
    try:
        staging.rename(target)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise
        _drop_duplicate(staging, target)
    reach("commit.renamed", slot)
    sync_directory(target.parent)
    reach("commit.durable", slot)


def _drop_duplicate(staging: Path, target: Path) -> None:
    if file_hash(staging / MANIFEST) != file_hash(target / MANIFEST):
        kept = target.parent.parent / "quarantine" / staging.name
        staging.rename(kept)
        raise Nondeterminism(f"{target.name} came out with other bytes than before: see {kept}")
    for file in staging.iterdir():
        file.unlink()
    staging.rmdir()


def read_manifest(unit: Path) -> dict[str, Any]:
    """A committed unit's facts, after a check that its files have the sizes it was sealed with."""
    try:
        manifest: dict[str, Any] = parse_json((unit / MANIFEST).read_text())
        if manifest["format"] != FORMAT:
            raise _damaged(unit, f"{MANIFEST} has the format {str(manifest['format'])[:40]!r}")
        for name, file in manifest["files"].items():
            size = (unit / name).stat().st_size
            if size != file["bytes"]:
                raise _damaged(unit, f"{name} has {size} bytes instead of {file['bytes']}")
    except FileNotFoundError as error:
        raise _damaged(unit, f"{Path(str(error.filename)).name} is missing") from None
    except RobokilnError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _damaged(unit, f"{MANIFEST} can't be read") from None
    return manifest


def _damaged(unit: Path, what: str) -> RobokilnError:
    return RobokilnError(f"{unit}: damaged, {what}; `robokiln repair` makes it again")
