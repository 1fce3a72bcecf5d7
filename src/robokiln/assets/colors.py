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
UNSEEN_COLORS: dict[str, Color] = {
    "brown": (0.36, 0.20, 0.09),
    "white": (0.93, 0.93, 0.91),
    "black": (0.06, 0.06, 0.07),
    "lime": (0.62, 0.92, 0.10),
    "magenta": (0.80, 0.05, 0.55),
    "navy": (0.04, 0.06, 0.28),
    "lavender": (0.72, 0.64, 0.92),
}
"""Kept out of training, to test whether a policy knows colours or has learnt eight of them."""
ALL_COLORS = COLORS | UNSEEN_COLORS
