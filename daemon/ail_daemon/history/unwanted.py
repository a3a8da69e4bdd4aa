"""Files whose changed lines say nothing of why: lock files, generated and vendored ones. `unwanted.attributes` names them.

git takes them for binary by that file, and prints no lines of them. As pathspecs they cost two thirds of the time of reading
changed lines, since git compares every entry of every tree that differs with each of them: 2,048 commits of curl in 7.4 s
instead of 2.0, of pytest in 2.4 instead of 1.2 (`python -m bench.changes`).
"""

from __future__ import annotations

import re
from fnmatch import translate
from pathlib import Path

ATTRIBUTES = Path(__file__).with_name("unwanted.attributes")
"""For git's `core.attributesFile`. A repository's own attributes precede it, and it minds case: `is_unwanted` does neither."""

_patterns = [line.split()[0] for line in ATTRIBUTES.read_text("ascii").splitlines()]
_names = [pattern for pattern in _patterns if "/" not in pattern]
_directories = [pattern for pattern in _patterns if "/" in pattern]

PATHSPECS = (
    ".",
    *(f":(exclude,glob,icase)**/{name}" for name in _names),
    *(f":(exclude,glob){directory}" for directory in _directories),
)
"""The same as pathspecs, which leave those files out of a search for renames, too."""

_NAME = re.compile("|".join(map(translate, _names)), re.IGNORECASE)
_WITHIN = re.compile("|".join(rf"(?:.*/)?{re.escape(one.strip('*/'))}/" for one in _directories), re.DOTALL)


def is_unwanted(path: str) -> bool:
    """Return whether the changed lines of the file *path*, relative to the repository's root, are left out."""
    return bool(_NAME.match(path.rpartition("/")[2]) or _WITHIN.match(path))
