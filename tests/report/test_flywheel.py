"""What a plot and a verdict say of two arms."""

import json
from pathlib import Path

from PIL import Image

from robokiln.report.flywheel import (
    FLYWHEEL,
    PLAIN,
    Standing,
    duels,
    verdict,
    write_improvement,
)
from robokiln.report.statistics import mcnemar


def standing(arm: str, number: int, successes: int, n: int = 40) -> Standing:
    outcomes = tuple(i < successes for i in range(n))
    return Standing(arm, number, 20 + 10 * number, 1000 * (number + 1), 25, outcomes)


ARMS = [
    standing("start", 0, 10),
    standing(FLYWHEEL, 1, 20),
    standing(PLAIN, 1, 18),
    standing(FLYWHEEL, 2, 36),
    standing(PLAIN, 2, 20),
]


def test_a_verdict_needs_evidence() -> None:
    first, second = duels(ARMS)
    assert (first.round, first.test.only_first, first.verdict) == (1, 2, "no difference shown")
    assert (second.round, second.test.only_first, second.test.only_second) == (2, 16, 0)
    assert second.test.p < 1e-4
    assert second.verdict == "flywheel is better"
    assert verdict(mcnemar([False] * 20, [True] * 20)) == "plain is better"
    assert duels(ARMS[:2]) == []


def test_results_are_written_while_rounds_go_on(tmp_path: Path) -> None:
    for known in (1, 2, len(ARMS)):
        result, picture = write_improvement(tmp_path, "lift", ARMS[:known])
        found = json.loads(result.read_text())
        assert len(found["standings"]) == known
        with Image.open(picture) as image:
            assert image.size == (1080, 480)
    assert found["standings"][3]["success"]["successes"] == 36
    assert [duel["verdict"] for duel in found["duels"]][1] == "flywheel is better"
