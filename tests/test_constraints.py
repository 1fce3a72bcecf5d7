"""constraints.txt pins all that `pip install -e '.[dev]'` brings along."""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def pinned() -> set[str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    found = [Requirement(line) for line in lines if not line.startswith("#")]
    assert all(str(r.specifier).startswith("==") for r in found)
    names = [canonicalize_name(r.name) for r in found]
    assert len(names) == len(set(names))
    return set(names)


def needed(package: str, extras: set[str]) -> list[Requirement]:
    """What an installed package asks for here; nothing of one that is not installed."""
    try:
        found = [Requirement(text) for text in requires(package) or []]
    except PackageNotFoundError:
        return []
    return [r for r in found if _applies(r, extras)]


def _applies(requirement: Requirement, extras: set[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in {"", *extras})


def test_every_package_has_its_version() -> None:
    asked = [*PROJECT["dependencies"], *EXTRAS["dev"]]
    todo = [r for r in map(Requirement, asked) if _applies(r, set())]
    names, seen = pinned(), set[str]()
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        # What a pinned package pins itself, as torch does its CUDA, needs no line.
        if str(requirement) in seen or str(requirement.specifier).startswith("=="):
            continue
        assert name in names, f"constraints.txt lacks {name}"
        seen.add(str(requirement))
        todo += needed(name, set(requirement.extras))
    assert len(seen) > 50


def test_dev_has_every_extra() -> None:
    named = {text for name, texts in EXTRAS.items() if name != "dev" for text in texts}
    assert named <= set(EXTRAS["dev"])
