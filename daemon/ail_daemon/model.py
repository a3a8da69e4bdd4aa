"""The domain's types.

`sha` is 40 lower-case hex digits everywhere (a sha256 repository: 64). Paths are as git stores them, relative to the
repository's root, undecodable bytes as surrogate escapes. Times are seconds since 1970 with the author's own offset.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

Embeddings = npt.NDArray[np.float32]
"""Shape (n, dimension), float32, each row of unit length."""

Encode = Callable[[list[str]], Embeddings]
"""Returns texts' embeddings, row for row. Raises ModelError or WorkerDiedError if one of them cannot be encoded."""

Outcome = Literal["answered", "no_reason_recorded", "no_evidence"]
Mode = Literal["auto", "semantic", "lexical"]


REF_KINDS = ("branches", "remotes", "tags", "worktrees")
"""What may count beside HEAD: branches, remote branches, tags, the HEADs of other worktrees."""


class PullRequest(NamedTuple):
    """A pull request that brought a commit; title and URL are text from outside. state: open, closed or merged."""

    number: int
    title: str
    url: str
    state: str


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit as the index knows it.

    paths: changed paths against the first parent (a root commit: all of its files); a rename names both.
    renames: (old, new) pairs among them. changed: text of added and removed lines, bounded, "" where not read yet.
    is_cut: something of it was beyond a limit and is left out (`HistoryLimits`).
    """

    sha: str
    parents: tuple[str, ...]
    author: str
    email: str
    author_time: int
    author_offset_min: int
    commit_time: int
    message: str
    paths: tuple[str, ...] = ()
    renames: tuple[tuple[str, str], ...] = ()
    changed: str = ""
    is_cut: bool = False

    @property
    def subject(self) -> str:
        """The first line that is not blank."""
        return self.message.lstrip().split("\n", 1)[0].strip()

    @property
    def body(self) -> str:
        """What follows the subject."""
        return self.message.lstrip().partition("\n")[2].strip()


@dataclass(frozen=True, slots=True)
class Scope:
    """What a question is about: the whole repository (file None), a file, or lines first..last of it (1-based, inclusive)."""

    file: str | None = None
    lines: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Tips:
    """Where a repository's refs point: full ref name -> sha of a commit (tags peeled), and HEAD's own commit, None if unborn.

    boundary: where a shallow clone's history is cut off; empty for any other. damaged: refs that are left out, since what they
    name is missing or cannot be read: full ref name -> sha.
    """

    head: str | None
    refs: dict[str, str] = field(default_factory=dict)
    boundary: frozenset[str] = frozenset()
    damaged: dict[str, str] = field(default_factory=dict, compare=False)

    @property
    def shas(self) -> frozenset[str]:
        """Every commit that a ref or HEAD names."""
        return frozenset(self.refs.values()) | ({self.head} if self.head else frozenset())


class Encoder(Protocol):
    """Turns texts into embeddings; a pure function of the text. Implemented in `encoding`, faked in tests."""

    @property
    def model_id(self) -> str:
        """Content hash of the weights and the way they are served: embeddings of different ids do not mix."""

    @property
    def dimension(self) -> int:
        """Length of an embedding."""

    def encode(self, texts: list[str]) -> Embeddings:
        """Return the texts' embeddings, in their order."""


SCHEMA = 1
"""Version of the replies' form: `schema_version` in each of them."""


Side = Literal["semantic", "lexical"]


Cause = Literal["switched_off", "model", "failed", "out_of_time", "low_confidence"]
"""Why words alone answered where meaning was asked for: by setting; no model, or none that loads; an error; time; the bar."""


Ids = npt.NDArray[np.int64]
