"""robokiln: seeds into robot demonstrations, demonstrations into a dataset and a small policy."""

__version__ = "0.1.0"
