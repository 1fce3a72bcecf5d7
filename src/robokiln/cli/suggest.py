"""Messages for names that don't exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MANY = 40


def unknown(kind: str, name: str, available: Iterable[str]) -> str:
    """ "key 'episods' not found; did you mean 'episodes'?", or what there is."""
    known = sorted(available)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    leaf = [k for k in known if k.rpartition(".")[2] == name.rpartition(".")[2]]
    if close or leaf:
        return f"{kind} '{name}' not found; did you mean '{(leaf or close)[0]}'?"
    # Of a whole configuration the names of its parts are enough to go on with.
    shown = sorted({key.partition(".")[0] for key in known}) if len(known) > MANY else known
    return f"{kind} '{name}' not found; available: {', '.join(shown)}"
