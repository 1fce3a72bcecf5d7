"""A generate that takes seconds."""

EPISODES = 3
SMALL = ("image_size=32", "antialias=false", f"episodes={EPISODES}")
