"""Tasks by name. Adding one is one file here and one YAML."""

from __future__ import annotations

from robokiln.scene.tasks.pick_place import PickPlace
from robokiln.scene.tasks.task import SceneRefused, Task
from robokiln.types import lookup

TASKS: dict[str, Task] = {"pick_place": PickPlace()}


def get(name: str) -> Task:
    """The task called `name`, or an error that lists what there is."""
    task: Task = lookup("task", name, TASKS)
    return task


__all__ = ["TASKS", "SceneRefused", "Task", "get"]
