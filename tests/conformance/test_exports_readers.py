"""lerobot 0.3.3 reads our v2.1, robomimic 0.3.0 our HDF5: every row, every frame."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import stock_reader
from safetensors import safe_open
from written import CAMERAS, make_records, write

from robokiln import dataset
from robokiln.dataset.exports import FORMATS

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(1800)]


def test_exports_are_read_by_their_own_readers(tmp_path: Path) -> None:
    records = make_records(tmp_path / "parts", (21, 30, 12, 26))
    ours = dataset.open(write(tmp_path / "dataset", records))
    for name, export in FORMATS.items():
        export(ours.info.root, tmp_path / name, lambda done, total: None)
    output = tmp_path / "read.safetensors"
    places = [str(tmp_path / n) for n in ("lerobot21", "robomimic")]
    stock_reader.run("read_exports.py", *places, str(output), home=tmp_path, exports=True)
    with safe_open(output, "np") as file:
        facts = json.loads(file.metadata()["facts"])
        found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert (facts["version"], facts["episodes"]) == ("v2.1", 4)
    assert facts["tasks"] == [ours[i]["instruction"] for i in range(len(ours))]
    action = ours.column("action")
    np.testing.assert_allclose(facts["mean"], action.mean(0), atol=1e-6)
    for feature in ours.info.features:
        if feature.dtype != "video":
            np.testing.assert_array_equal(
                found[f"lerobot/{feature.name}"], ours.column(feature.name)
            )
    bounds = [ours.episode_bounds[int(n.removeprefix("demo_"))] for n in facts["demos"]]
    rows = np.concatenate([np.arange(a, b) for a, b in bounds])
    np.testing.assert_array_equal(found["robomimic/actions"], action[rows])
    np.testing.assert_array_equal(found["robomimic/state"], ours.column("observation.state")[rows])
    assert found["robomimic/rewards"].sum() == found["robomimic/dones"].sum() == len(bounds)
    for camera in CAMERAS:
        frames = ours.frames(camera.name)
        np.testing.assert_array_equal(found[f"robomimic/{camera.name}_image"], frames[rows])
        theirs = found[f"lerobot/observation.images.{camera.name}"].transpose(0, 2, 3, 1) * 255
        assert np.abs(theirs - frames.astype(np.float32)).max() < 2.5
