"""Energy by the processor's own counters (Linux powercap, RAPL), where they can be read."""

from __future__ import annotations

from pathlib import Path

COUNTERS = Path("/sys/class/powercap")


class Energy:
    """Joules of all processor packages since it was made, whoever used them."""

    def __init__(self, counters: Path = COUNTERS) -> None:
        self._packages = [
            (zone / "energy_uj", limit)
            for zone in sorted(counters.glob("intel-rapl:*"))
            if zone.name.count(":") == 1 and (limit := _read(zone / "max_energy_range_uj"))
        ]
        self._start = [_read(path) for path, _ in self._packages]

    def joules(self) -> float | None:
        """None where there is no counter, or it can't be read. A counter that has come round once
        is followed; a package at full power takes minutes to hours for that."""
        total = 0.0
        for (path, limit), start in zip(self._packages, self._start, strict=True):
            now = _read(path)
            if now is None or start is None:
                return None
            total += ((now - start) % limit) / 1e6
        return total if self._packages else None


def _read(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
