"""The few names of torchvision that lerobot 0.4.4 needs to read datasets and to train ACT.

No torchvision release works with the torch of this environment. Video is read by PyAV.
"""

from torchvision import io, models, ops, transforms

__version__ = "0.0.0"


def set_video_backend(backend: str) -> None:
    """PyAV is all there is."""
    if backend != "pyav":
        raise ValueError(f"backend {backend!r}: expected 'pyav'")


__all__ = ["io", "models", "ops", "set_video_backend", "transforms"]
