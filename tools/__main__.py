"""Write every generated file; with --check say which are not what the sources make, and exit 1."""

from __future__ import annotations

import sys
from pathlib import Path

from .completions import make_completions
from .manpages import make_manpages
from .rooms import PICTURE, draw, read_arrows

SHARE = Path(__file__).resolve().parents[1] / "client" / "share"


def make_files() -> dict[Path, str]:
    """Return what each generated file is to hold."""
    shipped = {SHARE / name: text for name, text in (make_completions() | make_manpages()).items()}
    return {**shipped, PICTURE: draw(read_arrows())}


def main() -> int:
    """Write the files, or check them."""
    stale = [file for file, text in make_files().items() if not file.exists() or file.read_text() != text]
    if "--check" in sys.argv[1:]:
        sys.stderr.writelines(f"{file} is not what `python -m tools` makes\n" for file in stale)
        return 1 if stale else 0
    for file in stale:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(make_files()[file])
    return 0


if __name__ == "__main__":
    sys.exit(main())
