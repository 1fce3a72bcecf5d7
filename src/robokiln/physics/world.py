"""What an engine must offer. A second engine takes Bullet's place without another file changing."""

from __future__ import annotations

from typing import Protocol

from robokiln.types import Array, SceneSpec, State


class World(Protocol):
    """One scene at a time, stepped at the control rate."""

    def load(self, spec: SceneSpec) -> None:
        """Replace whatever is there by the spec's scene, arm and bodies at rest."""
        ...

    def step(self, target: Array) -> Array:
        """Move towards an action [10] for one control step; the joint target [J] it became."""
        ...

    def settle(self, seconds: float) -> None:
        """Let the bodies come to rest while the arm holds its pose."""
        ...

    def state(self) -> State:
        """What is where, and how fast."""
        ...

    def push(self, body: int, impulse: Array) -> None:
        """An impulse [3] (N s, world frame) on the spec's free body of that index."""
        ...

    def penetration(self) -> float:
        """The deepest overlap (m) of any two bodies or of one and the arm; 0 if none."""
        ...

    def visual_poses(self) -> Array:
        """float32 [L, 7], rows as `scene.robots.visual_links(spec)`."""
        ...

    def solve_ik(self, pose: Array) -> Array | None:
        """Joint positions [J] that bring the tool to a world pose [7], or None."""
        ...

    def close(self) -> None:
        """Free the engine."""
        ...
