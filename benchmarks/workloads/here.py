"""Where things are, and the scripts of the folder above."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent
OURS = Path(sys.executable)
THEIRS = ROOT / ".venv-bench" / "bin" / "python"
TENSORFLOW = ROOT / ".venv-bench-tf" / "bin" / "python"

sys.path.append(str(FOLDER.parent))
machine = import_module("machine")
