"""The work itself: plan, slots, units, commit, resume, assembly."""

from robokiln.files import DiskFull
from robokiln.kiln.generate import GenerateResult, Progress, generate
from robokiln.kiln.plan import Plan
from robokiln.kiln.stored import again, open_source

__all__ = [
    "DiskFull",
    "GenerateResult",
    "Plan",
    "Progress",
    "again",
    "generate",
    "open_source",
]
