"""A small finished run that the command line made, undisturbed, and how to call it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from small_run import SMALL

from robokiln.cli import main


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of an undisturbed `generate`."""
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    assert main(["generate", *SMALL, f"out={out}", "workers=1"]) == 0
    return out


@pytest.fixture
def start() -> Callable[..., subprocess.Popen[str]]:
    """Start `robokiln` in a process group of its own, as a terminal does."""

    def started(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "robokiln.cli", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    return started
