"""A function over many jobs: on this machine's cores now, on a cluster later."""

from robokiln.workers.local import Failure, held_interrupts, map_unordered

__all__ = ["Failure", "held_interrupts", "map_unordered"]
