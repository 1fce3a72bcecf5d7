"""Gymnasium environments: `import robokiln.env`, then `gymnasium.make("robokiln/PickPlace-v0")`."""

from __future__ import annotations

from robokiln.scene.tasks import TASKS

try:
    import gymnasium
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "robokiln.env needs gymnasium; pip install 'robokiln[env]'", name=error.name
    ) from None


def gym_id(task: str) -> str:
    """What `gymnasium.make` calls a task: pick_place is robokiln/PickPlace-v0."""
    return f"robokiln/{task.title().replace('_', '')}-v0"


IDS = {task: gym_id(task) for task in TASKS}

for _task, _id in IDS.items():
    # An environment keeps its own order of calls and its own limit, so it needs no wrapper, through
    # which others could not see its attributes.
    gymnasium.register(
        _id,
        entry_point="robokiln.env.environment:Environment",
        order_enforce=False,
        kwargs={"task": _task},
    )

__all__ = ["IDS", "gym_id"]
