"""The few names of torchvision that lerobot 0.4.4's dataset reader needs, with PyAV behind them.

No torchvision release works with the torch of this environment; only this folder's test uses it.
"""

from torchvision import io, transforms

__version__ = "0.0.0"


def set_video_backend(backend: str) -> None:
    """PyAV is all there is."""
    if backend != "pyav":
        raise ValueError(f"backend {backend!r}: expected 'pyav'")


__all__ = ["io", "set_video_backend", "transforms"]
