"""The policies that an evaluation is given: those that training wrote, and exported ones."""

from __future__ import annotations

from pathlib import Path

from robokiln import deploy
from robokiln.deploy import Policy
from robokiln.files import file_hash
from robokiln.types import RobokilnError


def load_policy(directory: Path) -> Policy:
    """What `robokiln train` or `robokiln export` wrote, on the CPU; checked."""
    if is_exported(directory):
        return deploy.load(directory)
    # Imported late: torch takes seconds, and most rows need none.
    from robokiln.policy import load

    return load(directory, device="cpu")


def policy_hash(directory: Path) -> str:
    """Of policy.json or of the manifest, which hold the hash of the weights."""
    path = directory / (deploy.MANIFEST if is_exported(directory) else "policy.json")
    try:
        return file_hash(path)
    except OSError:
        raise RobokilnError(f"{directory}: not a trained policy; {path.name} is missing") from None


def is_exported(directory: Path) -> bool:
    """Whether `robokiln export` wrote it."""
    return (directory / deploy.MANIFEST).exists()
