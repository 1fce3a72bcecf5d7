"""A function over many jobs: on this machine's cores now, on a cluster later."""

from robokiln.workers.local import Failure, map_unordered

__all__ = ["Failure", "map_unordered"]
