"""Why a drawn scene is not used."""


class SceneRefused(Exception):
    """A drawn scene can't be used; the message is the reason, counted as a refused attempt."""
