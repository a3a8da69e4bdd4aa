"""Every error a user can meet, each with a wire code, an exit status, a sentence and a hint.

    AilError
    ├── UsageError           2   the command line or a parameter is wrong
    ├── NotFoundError        1   what was named is not there (a sha, a backup file)
    ├── RepoError            5   the repository cannot serve
    │   ├── NotARepositoryError
    │   ├── NotEnrolledError
    │   └── RepoUnreadableError
    ├── UnavailableError     3   the daemon cannot be reached, started, or asked just now
    │   ├── BusyError            try again in a moment
    │   ├── VersionError         client and daemon do not fit
    │   └── ProtocolError        a peer sent what the protocol forbids
    ├── OutOfTimeError       4   the time limit passed
    ├── ModelError           1   the embedding model is missing or damaged
    ├── StorageError         1   the disk is full, read-only, or a state file is damaged
    ├── NotInstalledError   69   an extra is not installed
    └── InternalError       70   a bug of ours

The message says what happened, the hint what to do. On the wire an error is `[code, message, {"hint": …}]`: Neovim
shows the text of a list `[int, str, …]` and nothing of a map.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `import typing` alone would cost the client 4 ms
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


class AilError(Exception):
    """Root of the tree: *message* is a sentence for the user, *hint* says what to do (empty: none)."""

    code = 70
    exit_status = 70

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def to_wire(self) -> list[Any]:
        """Return `[code, message, {"hint": hint}]`."""
        return [self.code, self.message, {"hint": self.hint}]


class UsageError(AilError):
    """The command line or a parameter is wrong."""

    code = 2
    exit_status = 2


class NotFoundError(AilError):
    """What was named does not exist."""

    code = 1
    exit_status = 1


class RepoError(AilError):
    """The repository cannot serve."""

    code = 50
    exit_status = 5


class NotARepositoryError(RepoError):
    """The directory lies in no git repository."""

    code = 51


class NotEnrolledError(RepoError):
    """The repository was never added: AIL reads only added ones."""

    code = 52


class RepoUnreadableError(RepoError):
    """The repository vanished, is damaged, or belongs to somebody else."""

    code = 53


class UnavailableError(AilError):
    """The daemon cannot be reached, started, or asked just now."""

    code = 30
    exit_status = 3


class BusyError(UnavailableError):
    """The daemon serves too many already; trying again in a moment helps."""

    code = 31


class VersionError(UnavailableError):
    """Client and daemon speak different versions."""

    code = 32


class ProtocolError(UnavailableError):
    """A peer sent what the protocol forbids; the connection is of no further use."""

    code = 33


class OutOfTimeError(AilError):
    """The time limit passed before an answer was there."""

    code = 4
    exit_status = 4


class ModelError(AilError):
    """The embedding model is missing, damaged, or of a kind that cannot be served."""

    code = 11
    exit_status = 1


class StorageError(AilError):
    """The disk is full or read-only, or a state file is damaged."""

    code = 12
    exit_status = 1


class NotInstalledError(AilError):
    """A part of AIL is not installed."""

    code = 69
    exit_status = 69


class InternalError(AilError):
    """A bug of ours; the hint names the request, so that the log can be searched for it."""


_BY_CODE: dict[int, type[AilError]] = {
    kind.code: kind
    for kind in (
        UsageError, NotFoundError, RepoError, NotARepositoryError, NotEnrolledError, RepoUnreadableError,
        UnavailableError, BusyError, VersionError, ProtocolError, OutOfTimeError, ModelError, StorageError,
        NotInstalledError, InternalError,
    )
}  # fmt: skip


def from_wire(error: object) -> AilError:
    """Rebuild the error a peer sent; an unknown code becomes an InternalError that keeps the text."""
    match error:
        case [int(code), str(message), {"hint": str(hint)}]:
            return _BY_CODE.get(code, InternalError)(message, hint)
        case [int(code), str(message), *_]:
            return _BY_CODE.get(code, InternalError)(message)
        case _:
            return ProtocolError(f"the daemon sent an error of unknown form: {error!r:.200}")


SUGGESTING = "did you mean "
"""How a hint with suggestions begins."""


def suggest(name: str, known: Iterable[str]) -> str:
    """Return a hint: the names nearest to *name*, else all of them; "" where there are none."""
    import difflib  # 4 ms, only after a mistake

    names = sorted(known)
    nearest = difflib.get_close_matches(name[:80], names)
    return f"{SUGGESTING}{' or '.join(nearest)}?" if nearest else f"there is {', '.join(names)}" if names else ""
