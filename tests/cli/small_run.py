"""A generate that takes seconds."""

EPISODES = 3
SMALL = ("image_size=32", "supersample=1", f"episodes={EPISODES}")
