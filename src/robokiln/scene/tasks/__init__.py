"""Tasks by name. Adding one is one file here and one YAML."""

from __future__ import annotations

from robokiln.scene.robots import Robot
from robokiln.scene.tasks.close_drawer import CloseDrawer
from robokiln.scene.tasks.insert_peg import InsertPeg
from robokiln.scene.tasks.lift import Lift
from robokiln.scene.tasks.open_door import OpenDoor
from robokiln.scene.tasks.open_drawer import OpenDrawer
from robokiln.scene.tasks.pick_place import PickPlace
from robokiln.scene.tasks.pour import Pour
from robokiln.scene.tasks.push_to_zone import PushToZone
from robokiln.scene.tasks.put_in_drawer import PutInDrawer
from robokiln.scene.tasks.sort_by_colour import SortByColour
from robokiln.scene.tasks.stack import STACK_THREE, STACK_TWO
from robokiln.scene.tasks.task import Task
from robokiln.types import RobokilnError, lookup

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        PickPlace(),
        Lift(),
        STACK_TWO,
        STACK_THREE,
        PushToZone(),
        SortByColour(),
        InsertPeg(),
        OpenDrawer(),
        CloseDrawer(),
        PutInDrawer(),
        OpenDoor(),
        Pour(),
    )
}


def get(name: str, robot: Robot | None = None) -> Task:
    """The task called `name`, or an error that lists what there is; one that the robot, if given,
    can't do is an error too."""
    task: Task = lookup("task", name, TASKS)
    unsuited = task.suits(robot) if robot else ""
    if unsuited:
        able = ", ".join(n for n, t in TASKS.items() if robot and not t.suits(robot))
        raise RobokilnError(f"task '{name}' {unsuited}; available to it: {able}")
    return task


__all__ = ["TASKS", "Task", "get"]
