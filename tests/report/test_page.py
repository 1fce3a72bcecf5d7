"""The report page: facts in, one HTML file out that needs nothing else."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from worlds import CAMERAS, CONFIG

from robokiln.cli.evaluate import trained, versions
from robokiln.policy import describe
from robokiln.report.evaluate import film_path, summarize
from robokiln.report.facts import Generation, ReportFacts, Training
from robokiln.report.films import choose
from robokiln.report.page import duration, headline, percent, size, write_report
from robokiln.report.rollouts import EvaluateConfig, Job, Rollout, roll_out

CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
GENERATION = Generation(7, 2, {"step limit": 4, "<script>alert(1)</script>": 1}, 2, 170)


@pytest.fixture(scope="module")
def facts(
    tmp_path_factory: pytest.TempPathFactory, demonstrations: Path, untrained: Path
) -> ReportFacts:
    """A real, tiny journey."""
    out = tmp_path_factory.mktemp("journey") / "evaluation"
    brief = replace(CONFIG, max_steps=30)
    rows = {"noop": 1, "image_policy": 2}
    config = EvaluateConfig("pick_place", "panda", CAMERAS, rows, episode=brief)
    jobs = [Job(config, "noop", 0, None, None)]
    jobs += [
        Job(config, "image_policy", i, untrained, film_path(out, "image_policy", i)) for i in (0, 1)
    ]
    rollouts = [roll_out(job) for job in jobs]
    return ReportFacts(
        title="a <b>tiny</b> journey",
        commands=("robokiln run recipe=tiny & more",),
        seconds={"generate": 231.4, "evaluate": 12.0},
        bytes={"generate": 48_123_456},
        generation=GENERATION,
        training=(Training("image policy", untrained, {"steps": "2"}),),
        evaluation=summarize(config, rollouts),
        evaluation_dir=out,
        dataset=demonstrations,
        versions={"python": "3.11"},
        seeds={"generation": 0},
        notes=("A note.",),
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, facts: ReportFacts) -> tuple[Path, Path]:
    return write_report(tmp_path_factory.mktemp("report") / "out", facts)


def test_json_holds_what_programs_ask_for(written: tuple[Path, Path]) -> None:
    found = json.loads(written[1].read_text())
    row = found["evaluation"]["image_policy"]
    assert (row["successes"], row["n"], row["low"]) == (0, 2, 0.0)
    assert 0 < row["high"] < 1
    assert found["generation"]["attempts"] == 7
    assert found["generation"]["refused"]["step limit"] == 4
    assert found["seconds"]["generate"] == 231.4


def test_the_page_is_whole_and_names_no_other_place(written: tuple[Path, Path]) -> None:
    html = written[0].read_text()
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", html)
    assert "http://" not in html
    assert "https://" not in html
    # The two filmed rollouts, both demonstrations, the sheet and the curve.
    assert html.count("data:video/mp4;base64,") == 4
    assert html.count("data:image/jpeg;base64,") == 1
    assert html.count("data:image/png;base64,") == 1
    assert "3 min 51 s" in html
    assert "48.1 MB" in html


def test_text_from_data_is_text(written: tuple[Path, Path]) -> None:
    html = written[0].read_text()
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "a &lt;b&gt;tiny&lt;/b&gt; journey" in html
    assert "recipe=tiny &amp; more" in html


def test_every_part_may_be_absent(tmp_path: Path, facts: ReportFacts) -> None:
    bare = ReportFacts("bare", ("robokiln generate",))
    html, found = write_report(tmp_path / "bare", bare)
    assert "How often it succeeds" not in html.read_text()
    assert json.loads(found.read_text())["evaluation"] == {}
    made = replace(bare, generation=GENERATION)
    assert headline(made) == "2 demonstrations, 170 frames."
    assert headline(replace(made, evaluation=facts.evaluation)).startswith(
        "Image policy: 0 of 2 unseen scenes solved"
    )


def test_numbers_read_well() -> None:
    plain = [percent(v).replace("\u00a0", " ") for v in (0, 0.004, 0.5, 0.996, 1)]
    assert plain == ["0 %", "0.4 %", "50 %", "99.6 %", "100 %"]
    assert [duration(v) for v in (7.42, 59.96, 231.4, 4320)] == [
        "7.4 s",
        "1 min 00 s",
        "3 min 51 s",
        "1 h 12 min",
    ]
    assert [size(v) for v in (12, 1500, 999_960, 48_123_456, 2.5e9)] == [
        "12 B",
        "1.5 kB",
        "1.0 MB",
        "48.1 MB",
        "2.5 GB",
    ]


def test_failures_come_first_and_every_class_has_its_turn() -> None:
    classes = ["not_released"] * 9 + ["left_half_way"] + ["success"] * 5
    rollouts = [
        Rollout("image_policy", i, 0, "", name == "success", "", name, 20, 1.0, 0.5, "lift", None)
        for i, name in enumerate(classes)
    ]
    chosen = choose(rollouts[::-1])
    assert [r.scene for r in chosen] == [0, 9, 1, 2, 3, 4, 10, 11, 12]


@needs_chromium
@pytest.mark.parametrize("width", [1280, 400])
def test_a_browser_shows_it_without_network_or_errors(
    tmp_path: Path, written: tuple[Path, Path], width: int
) -> None:
    shot = tmp_path / "shot.png"
    asked, said = _visit(written[0], tmp_path, width, shot)
    assert asked == []
    assert "CONSOLE" not in said
    with Image.open(shot) as picture:
        assert picture.width == width
        assert len(picture.convert("RGB").getcolors(2**24) or ()) > 1000


@needs_chromium
def test_the_browser_would_tell_of_a_request(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<img src='http://picture.invalid/a.png'><script>none()</script>")
    asked, said = _visit(page, tmp_path, 400, tmp_path / "shot.png")
    assert asked == ["http://picture.invalid/a.png"]
    assert "none is not defined" in said


def _visit(page: Path, folder: Path, width: int, shot: Path) -> tuple[list[str], str]:
    """What the page asked of the network (all of which is refused), and the browser's log."""
    assert CHROMIUM is not None
    log = folder / "net.json"
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
    command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command += ["--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder / 'profile'}"]
    command += [f"--log-net-log={log}", "--enable-logging=stderr", f"--window-size={width},1600"]
    command += ["--hide-scrollbars", f"--screenshot={shot}", "--virtual-time-budget=3000"]
    said = _browse([*command, page.as_uri()], folder / "stderr.txt")
    events = [e.get("params", {}) for e in json.loads(log.read_text())["events"]]
    # The browser's own errands have no page for their origin.
    urls = [e["url"] for e in events if e.get("initiator", "not an origin") != "not an origin"]
    return [url for url in urls if not url.startswith(("data:", "file:"))], said


_hung: list[subprocess.Popen[bytes]] = []
"""Browsers that could not be ended."""


def _browse(command: list[str], log: Path) -> str:
    """The browser's log. A browser that hangs in the kernel can't even be killed, so nothing here
    waits for it longer than a minute, and its children hold no pipe that anybody reads."""
    with log.open("wb") as stderr:
        browser = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True
        )
    try:
        code = browser.wait(timeout=60)
    except subprocess.TimeoutExpired:
        os.killpg(browser.pid, signal.SIGKILL)
        try:
            browser.wait(timeout=5)
        except subprocess.TimeoutExpired:
            _hung.append(browser)
        pytest.skip("the browser hangs on this machine")  # the page has no script that could
    assert code == 0, log.read_text()
    return log.read_text()


def test_a_report_says_how_a_policy_was_trained(untrained: Path) -> None:
    (found,) = trained({"image_policy": untrained})
    assert (found.name, found.directory) == ("image policy", untrained)
    described = describe(untrained)
    assert found.facts["steps"] == f"{described.config.steps:,}"
    assert {"python", "robokiln", "torch"} <= versions().keys()
