"""Robots' and objects' mesh files, made fit to be drawn fast: read, simplified, kept in a cache."""

from robokiln.frames.meshes.prepare import LinkMesh, robot_meshes

__all__ = ["LinkMesh", "robot_meshes"]
