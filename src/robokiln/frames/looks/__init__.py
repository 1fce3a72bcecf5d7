"""Looks: how a scene appears, drawn from ranges. A look never changes the motion."""

from robokiln.frames.looks.sample import LookConfig, sample_look

__all__ = ["LookConfig", "sample_look"]
