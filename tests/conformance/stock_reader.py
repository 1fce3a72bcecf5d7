"""The stock lerobot reader in an environment of its own, built at the first use.

Its pins are broken on purpose: they ask for packages of many gigabytes that reading doesn't need.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
VENV = HERE.parents[1] / ".venv-lerobot"
LEROBOT = ["lerobot==0.4.4"]
PACKAGES = [
    "torch==2.13.0",
    "datasets>=4",
    "pandas<3",
    "av>=15,<16",
    "accelerate",
    "draccus==0.10.0",
    "diffusers<0.36",
    "einops",
    "pyserial",
    "jsonlines",
    "deepdiff",
    "imageio",
    "termcolor",
    "safetensors",
    "packaging",
]


def ensure_environment() -> Path:
    """Its Python, after installing what is missing; needs a package index the first time."""
    python = VENV / "bin" / "python"
    ready = VENV / "ready"
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, *PACKAGES], check=True)
        subprocess.run([*pip, "--no-deps", *LEROBOT], check=True)
        ready.touch()
    return python


def run(script: str, *arguments: str, home: Path) -> None:
    """Run a script of this folder beside lerobot, offline; it keeps its caches under `home`."""
    environment = os.environ | {
        "PYTHONPATH": str(HERE / "torchvision_stub"),
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(home / "hf"),
        "OMP_NUM_THREADS": "1",
        "SVT_LOG": "1",
    }
    command = [str(ensure_environment()), str(HERE / script), *arguments]
    subprocess.run(command, check=True, env=environment)


if __name__ == "__main__":
    print(ensure_environment())
