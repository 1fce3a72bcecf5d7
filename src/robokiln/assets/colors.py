"""Colours that instructions name: hues far enough apart to be told by eye in any look."""

from robokiln.types import Color

COLORS: dict[str, Color] = {
    "red": (0.80, 0.08, 0.08),
    "orange": (0.95, 0.45, 0.05),
    "yellow": (0.92, 0.82, 0.10),
    "green": (0.10, 0.58, 0.16),
    "cyan": (0.15, 0.75, 0.78),
    "blue": (0.10, 0.22, 0.78),
    "purple": (0.46, 0.14, 0.62),
    "pink": (0.94, 0.48, 0.68),
}
