"""The architecture's walls: who may import whom, and which package holds which library."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import robokiln

SOURCE = Path(robokiln.__file__).parent
FREE = {"types", "serial", "files", "faults", "geometry", "seeds", "machine"}
"""Anyone may use these; they use each other only."""
MAY_IMPORT: dict[str, set[str]] = {
    "assets": set(),
    "scene": {"assets"},
    "physics": {"scene", "assets"},
    "episode": {"scene", "physics", "assets"},
    "frames": {"scene", "assets"},
    "dataset": set(),
    "workers": set(),
    "deploy": set(),
    "policy": {"dataset", "assets", "deploy"},
    "env": {"episode", "frames", "scene", "physics"},
    "kiln": {"episode", "frames", "dataset", "scene", "physics", "workers"},
    "report": {
        *("policy", "deploy", "dataset", "episode", "frames", "scene"),
        *("physics", "workers", "assets"),
    },
}
WALLS: dict[str, str | tuple[str, ...]] = {
    "pybullet": "physics/bullet.py",
    "numba": "frames/",
    "llvmlite": "frames/",
    "trimesh": "frames/",
    "torch": "policy/",
    "safetensors": "policy/",
    "onnx": "policy/",
    "onnxruntime": "deploy/",
    "pyarrow": "dataset/",
    "av": "dataset/",
    "h5py": "dataset/exports/robomimic.py",
    "pebble": "workers/local.py",
    "ray": "workers/ray.py",
    "hydra": "cli/",
    "omegaconf": "cli/",
    "packaging": "cli/",
    "rich": "cli/",
    "jinja2": "report/",
    "matplotlib": ("policy/", "report/"),
    "PIL": ("report/", "frames/sensors/jpeg.py"),
    "yaml": ("frames/calibration.py", "env/choices.py"),
    "gymnasium": "env/",
}
ANYWHERE = {"numpy", "robokiln", "scipy"}
NEVER = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}

FILES = sorted(SOURCE.rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """Dotted names of all modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield str(node.module)
            if node.module == "robokiln":
                yield from (f"robokiln.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield from (a.value for a in node.args if isinstance(a, ast.Constant))


def layer(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def test_imports_go_downward() -> None:
    for path in FILES:
        own = layer(path)
        allowed = FREE | MAY_IMPORT.get(own, set()) | {own, "__version__"}
        for name in imports(path):
            parts = name.split(".")
            upward = parts[0] == "robokiln" and len(parts) > 1 and parts[1] not in allowed
            assert own == "cli" or not upward, f"{path}: {own} may not import {name}"


def test_libraries_stay_behind_their_walls() -> None:
    for path in FILES:
        place = path.relative_to(SOURCE).as_posix()
        for name in imports(path):
            library = name.split(".")[0]
            assert library not in NEVER, f"{place} imports {library}: nothing is ever pickled"
            if library not in sys.stdlib_module_names and library not in ANYWHERE:
                assert library in WALLS, f"{place} imports {library}, which has no home yet"
                home = WALLS[library]
                assert place.startswith(home), f"{place} imports {library}, whose home is {home}"


def test_every_package_has_its_layer() -> None:
    packages = {p.name for p in SOURCE.iterdir() if p.is_dir() and list(p.glob("*.py"))}
    assert packages - FREE == {*MAY_IMPORT, "cli"}


def test_files_stay_readable() -> None:
    lengths = {str(p.relative_to(SOURCE)): len(p.read_text().splitlines()) for p in FILES}
    assert not {name: lines for name, lines in lengths.items() if lines > 300}
