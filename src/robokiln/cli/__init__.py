"""The command line: composes the configuration, checks all of it, then calls the stages."""

from robokiln.cli.main import main

__all__ = ["main"]
