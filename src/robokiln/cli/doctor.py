"""`robokiln doctor`: whether this machine is fit; what is wrong, and how to mend it."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from robokiln.machine import cores
from robokiln.types import RobokilnError

MEMORY_GB, DISK_GB = 4.0, 2.0


@dataclass(frozen=True)
class Finding:
    """`mend` says what to do; it is empty where all is well."""

    what: str
    found: str
    mend: str = ""


def main(configuration: Mapping[str, Any], command: str) -> int:
    """Print every finding; 1 if something is wrong."""
    findings = [f for check in CHECKS for f in check()]
    width = max(len(f.what) for f in findings)
    for finding in findings:
        print(f"  {'BAD' if finding.mend else 'ok ':<3}  {finding.what:<{width}}  {finding.found}")
        if finding.mend:
            print(f"       {'':<{width}}  -> {finding.mend}")
    bad = sum(bool(f.mend) for f in findings)
    print(f"\n{bad} of {len(findings)} checks failed." if bad else "\nThis machine is fit.")
    return 1 if bad else 0


def _python() -> list[Finding]:
    found = ".".join(map(str, sys.version_info[:3]))
    fine = (3, 11) <= sys.version_info[:2] < (3, 14)
    mend = "" if fine else "make a virtual environment with Python 3.11 or 3.12"
    return [Finding("Python", f"{found} on {sys.platform}", mend)]


def _packages() -> list[Finding]:
    """Installed versions against the ranges that our own metadata gives."""
    try:
        needed = [Requirement(text) for text in requires("robokiln") or []]
    except PackageNotFoundError:
        return [Finding("robokiln", "not installed", "pip install -c constraints.txt -e .")]
    needed = [r for r in needed if r.marker is None or r.marker.evaluate({"extra": ""})]
    wrong = [finding for r in needed if (finding := _wrong_version(r)) is not None]
    return wrong or [Finding("packages", f"{len(needed)} within their ranges")]


def _wrong_version(needed: Requirement) -> Finding | None:
    mend = f"pip install '{needed.name}{needed.specifier}'"
    try:
        found = version(needed.name)
    except PackageNotFoundError:
        return Finding(needed.name, "missing", mend)
    if needed.specifier.contains(found, prereleases=True):
        return None
    return Finding(needed.name, f"{found}, expected {needed.specifier}", mend)


def _physics() -> list[Finding]:
    name = "pybullet"
    try:
        from robokiln.physics import bullet

        bullet.BulletWorld().close()
    except Exception as error:  # whatever an engine that is installed wrongly may throw
        mend = "pip install --force-reinstall pybullet (Python 3.11) or pybullet-arm64 (3.12)"
        return [Finding(name, f"can't start: {error}", mend)]
    numpy = "with NumPy" if bullet.pybullet.isNumpyEnabled() else "without NumPy (slower, works)"
    return [Finding(name, numpy)]


def _renderer() -> list[Finding]:
    try:
        from robokiln.frames import warm_up

        return [Finding("renderer", f"ready in {warm_up():.1f} s (compiled once, then cached)")]
    except Exception as error:  # LLVM, cache and mesh errors alike
        mend = "pip install --force-reinstall numba llvmlite, or set ROBOKILN_CACHE to a new folder"
        return [Finding("renderer", f"{type(error).__name__}: {error}", mend)]


def _video() -> list[Finding]:
    import numpy as np

    from robokiln.dataset import encode_video

    with tempfile.TemporaryDirectory() as folder:
        try:
            encode_video(Path(folder) / "a.mp4", np.zeros((2, 32, 32, 3), np.uint8), 20)
        except Exception as error:  # PyAV raises many kinds
            mend = "pip install --force-reinstall av"
            return [Finding("video", f"can't encode H.264: {error}", mend)]
    return [Finding("video", "encodes H.264")]


def _machine() -> list[Finding]:
    from robokiln.kiln.plan import cpu_features

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    more = f"at least {MEMORY_GB:g} GB; with less, use workers=1"
    return [
        Finding("CPU", f"{cores()} cores, {cpu_features()}"),
        Finding("memory", f"{memory:.1f} GB", "" if memory >= MEMORY_GB else more),
    ]


def _disk() -> list[Finding]:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    mend = "" if free >= DISK_GB else f"free at least {DISK_GB:g} GB, or give out=DIR elsewhere"
    return [Finding("free disk here", f"{free:.1f} GB", mend), _cache()]


def _cache() -> Finding:
    from robokiln.files import cache_directory

    try:
        directory = cache_directory("doctor")
        with tempfile.TemporaryFile(dir=directory):
            return Finding("cache", f"{directory.parent} can be written")
    except (OSError, RobokilnError) as error:
        return Finding("cache", str(error), "set ROBOKILN_CACHE to a folder that you may write")


CHECKS: tuple[Callable[[], list[Finding]], ...] = (
    _python,
    _packages,
    _physics,
    _renderer,
    _video,
    _machine,
    _disk,
)
