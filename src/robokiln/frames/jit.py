"""How kernels are compiled: bit-exact arithmetic, no GIL, machine code cached for this user.

Numba notices an edit of a kernel's own file but not of a kernel that it calls in another file, so
the cache's directory is named after the text of every file in and below this package.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

from robokiln.files import cache_directory

F = TypeVar("F", bound=Callable[..., Any])


def _source_hash() -> str:
    files = sorted(Path(__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:16]


_DIRECTORY = str(cache_directory(f"kernels-{_source_hash()}"))


OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": False,
    "boundscheck": False,
}
LOW_BITS = 0x7FFFFFFF
"""Masks a number that is positive anyway: without negative indices to allow for, the compiler can
turn a loop into vector code."""


def inlined(function: F) -> F:
    """A kernel's helper, compiled into its callers: passing arrays to a call costs 10 ns each."""
    return cast(F, numba.njit(function, forceinline=True, **OPTIONS))


def kernel(function: F) -> F:
    """Compile at the first call, or load from the cache. Float literals are float64: see `f32`."""
    config: Any = numba.config
    before, config.CACHE_DIR = config.CACHE_DIR, _DIRECTORY
    try:
        compiled = numba.njit(function, cache=True, **OPTIONS)
    finally:
        config.CACHE_DIR = before
    return cast(F, compiled)


def is_compiled() -> bool:
    """Whether the renderer's kernels lie in the cache, so that the first picture needs no wait."""
    return any(Path(_DIRECTORY).rglob("shade.shade_picture-*.nbc"))
