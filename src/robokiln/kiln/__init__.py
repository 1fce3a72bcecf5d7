"""The work itself: plan, slots, units, commit, resume, assembly."""

from robokiln.files import DiskFull
from robokiln.kiln.assembly import enter_baseline
from robokiln.kiln.describe import describe
from robokiln.kiln.generate import GenerateResult, Progress, generate
from robokiln.kiln.merge import Merged, merge
from robokiln.kiln.plan import Plan
from robokiln.kiln.relabel import PolicyFactory, Relabel
from robokiln.kiln.repair import Repaired, repair
from robokiln.kiln.stored import again, open_source
from robokiln.kiln.verify import LEVELS, Verified, verify

__all__ = [
    "LEVELS",
    "DiskFull",
    "GenerateResult",
    "Merged",
    "Plan",
    "PolicyFactory",
    "Progress",
    "Relabel",
    "Repaired",
    "Verified",
    "again",
    "describe",
    "enter_baseline",
    "generate",
    "merge",
    "open_source",
    "repair",
    "verify",
]
