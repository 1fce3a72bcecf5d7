"""The work itself: plan, slots, units, commit, resume, assembly."""

from robokiln.files import DiskFull
from robokiln.kiln.generate import GenerateResult, Progress, generate
from robokiln.kiln.plan import Plan

__all__ = ["DiskFull", "GenerateResult", "Plan", "Progress", "generate"]
