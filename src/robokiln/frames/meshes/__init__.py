"""Robots' and objects' mesh files, made fit to be drawn fast: read, simplified, kept in a cache."""

from robokiln.frames.meshes.preparation import LinkMesh, prepare, robot_meshes

__all__ = ["LinkMesh", "prepare", "robot_meshes"]
