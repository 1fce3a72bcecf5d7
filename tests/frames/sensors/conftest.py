"""The scenes of tests/frames are for these tests too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
