"""`robokiln export`."""

from __future__ import annotations

from pathlib import Path

from robokiln.cli.compose import require
from robokiln.cli.progress import ProgressLine, closing_table
from robokiln.cli.settings import Configuration
from robokiln.types import RobokilnError, lookup

ONNX = "onnx"


def main(configuration: Configuration, command: str) -> int:
    """Write a policy or a dataset in another format."""
    require(configuration, "export", "out")
    given = (configuration["policy"], configuration["dataset"], configuration["out"])
    # A directory may be named by a number, which Hydra reads as one.
    policy, root, out = (None if value is None else Path(str(value)) for value in given)
    asked = configuration["format"]
    assert out is not None
    if policy is None and root is None:
        raise RobokilnError(
            "'policy' or 'dataset' is missing: robokiln export policy=DIR, or dataset=DIR"
        )
    if out.exists() or out.is_symlink():
        raise RobokilnError(f"{out}: already exists; an export is never written over")
    if policy is not None:
        if asked not in (None, ONNX):
            raise RobokilnError(f"format '{asked}': a policy is exported as {ONNX}")
        return _policy(policy, root, out)
    assert root is not None
    return _dataset(root, asked, out)


def _policy(directory: Path, root: Path | None, out: Path) -> int:
    if not directory.is_dir():
        raise RobokilnError(f"policy: {directory} is not a directory; `robokiln train` makes one")
    from robokiln import deploy
    from robokiln.policy.export import dataset_samples, export
    from robokiln.policy.export import require_packages as require_onnx

    require_onnx()
    if root is not None:
        samples, source = dataset_samples(root), str(root.resolve().name)
    else:
        from robokiln.cli.observed import rendered_samples

        samples, source = rendered_samples(directory), "scenes rendered for the check"
    export(directory, out, samples, source)
    check = deploy.read_manifest(out).check
    rows = [
        ("graph", str(out / deploy.GRAPH)),
        ("manifest", str(out / deploy.MANIFEST)),
        ("checked on", f"{check.samples} observations ({source})"),
        ("differs from torch", f"{check.largest_difference:.1g} at most"),
    ]
    closing_table(rows, f"python -c \"import robokiln.deploy as d; d.load('{out}')\"")
    return 0


def _dataset(root: Path, asked: str | None, out: Path) -> int:
    from robokiln.dataset.exports import FORMATS

    if asked is None:
        raise RobokilnError(f"'format' is missing; available: {', '.join(sorted(FORMATS))}")
    write = lookup("format", asked, FORMATS)
    with ProgressLine("export") as line:
        rows = write(root, out, line.update)
    closing_table([("made", str(out)), *rows], "docs/export.md says how others' tools read it")
    return 0
