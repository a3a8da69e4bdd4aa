"""Files that usually change together with others, and are missing from a change. Pure: baskets in, companions out.

A basket is the set of paths that one commit changed. The caller leaves out commits that change many: they do not show what
belongs together.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

BASKET_MAX = 15
"""Paths of a commit beyond which it says nothing of what belongs together."""

BASKETS = 100
"""The newest commits of a file are counted: what belonged together ten years ago may not any more."""

_BOTS = ("[bot]", "dependabot", "pyup", "renovate", "pre-commit-ci", "github-actions", "weblate", "patchback")

LEAST_TIMES = 6
LEAST_SHARE = 0.85
LEAST_MUTUAL = 0.4

_TEST = re.compile(
    r"(?:^|/)(?:tests?|testing|docs?|examples?)/|(?:^|/)(?:test_[^/]*|[^/]*_test\.\w+|conftest\.py)$|\.(?:md|rst)$"
)

_VERSION = re.compile(
    r"(?:^|/)(?:__init__\.py|_?version(?:\.\w+)?|setup\.(?:py|cfg)|pyproject\.toml|package(?:-lock)?\.json|Cargo\.(?:toml|lock)"
    r"|configure\.ac|CMakeLists\.txt|meson\.build|conf\.py)$",
    re.IGNORECASE,
)

_SETUP = re.compile(
    r"(?:^|/)\.(?:github|gitlab|circleci)/|(?:^|/)\.[^/]*rc$|(?:^|/)(?:setup\.py|MANIFEST\.in|Makefile|Dockerfile|noxfile\.py)$"
    r"|\.(?:ya?ml|toml|cfg|ini|bat|cmd|lock)$"
)


class Companion(NamedTuple):
    """A path that changed in *times* of the last *of* commits that changed *beside*, a path of this change."""

    path: str
    beside: str
    times: int
    of: int

    @property
    def share(self) -> float:
        """How often, 0 to 1."""
        return self.times / self.of


def find_companions(
    baskets: Iterable[tuple[str, Sequence[Collection[str]]]], changed: Collection[str]
) -> list[Companion]:
    """Return the companions that are missing from *changed*, the surest first, each path once.

    baskets: per changed path, the baskets of the newest commits that changed it.
    """
    best: dict[str, Companion] = {}
    for beside, held in baskets:
        counted = Counter(path for basket in held for path in basket if path not in changed)
        for path, times in counted.items():
            found = Companion(path, beside, times, len(held))
            if times >= LEAST_TIMES and found.share >= LEAST_SHARE and found.share > _share_of(best.get(path)):
                best[path] = found
    return sorted(best.values(), key=lambda found: (-found.share, -found.times, found.path))


def is_mutual(companion: Companion, baskets: Collection[Collection[str]]) -> bool:
    """Whether `beside` is in enough of the companion's own *baskets*; if not, the companion merely changes often."""
    return sum(companion.beside in basket for basket in baskets) >= LEAST_MUTUAL * max(len(baskets), 1)


def is_bot(author: str) -> bool:
    """Whether a program wrote a commit: its message states no reason."""
    return any(name in author.lower() for name in _BOTS)


def holds_version(path: str) -> bool:
    """Whether a file usually says the project's version: two of them change together at releases, and for nothing else."""
    return bool(_VERSION.search(path))


def is_setup(path: str) -> bool:
    """Whether a file configures tools, builds or CI: its lines come and go with versions of what they are for."""
    return bool(_SETUP.search(path))


def is_test(path: str) -> bool:
    """Whether *path* is a test or documentation, which may change without the code."""
    return bool(_TEST.search(path))


def _share_of(companion: Companion | None) -> float:
    return companion.share if companion else 0.0
