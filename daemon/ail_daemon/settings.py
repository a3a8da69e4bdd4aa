"""What the user may set: names, defaults, ranges.

The file's keys are the variables' names, in either case; the environment wins over the file. Written by hand: pydantic-settings
takes as many lines, 13 MB of memory and 110 ms of the start.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, Literal, NamedTuple

from ail_rpc.errors import UsageError, suggest
from ail_rpc.paths import get_config_file

from .model import REF_KINDS

_YES_OR_NO = "true or false"
_SHARE = "a number from 0 to 1"
_ENTRIES = "a whole number from 0 to 1,000,000"
_MANY = "a whole number from 1 to 100,000,000"
_BYTES = "a whole number of bytes from 1,000 to 67,108,864"
_SECRET_MAX = 1000  # characters; a fine-grained token of GitHub's has 93
_PROJECT_WORD = re.compile(r"[A-Za-z0-9._-]{1,100}")
_API_URL = re.compile(
    r"(https://[A-Za-z0-9.-]+|http://(localhost|127\.\d+\.\d+\.\d+|\[::1\]))(:\d{1,5})?(/[A-Za-z0-9._-]+)*"
)
_BUNDLE = re.compile(r"ref:|https?://[A-Za-z0-9.-]+(:\d{1,5})?(/[A-Za-z0-9._~{}-]+)*/?|(file://)?/[^\x00-\x20\x7f]*")
_TRUTHS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}

Origin = Literal["default", "file", "environment", "flags"]
"""Where a value comes from; flags: set while the daemon runs."""

Reader = Callable[[object], Any]
"""Returns the value of a setting from the text of a variable or a value of the file; raises ValueError, TypeError."""


def _truth(value: object) -> bool:
    try:
        return _TRUTHS[str(value).lower()]
    except KeyError as err:
        raise ValueError from err


def _whole(low: int, high: int) -> Reader:
    def read(value: object) -> int:
        number = int(value) if isinstance(value, str) else value
        if type(number) is not int or not low <= number <= high:
            raise ValueError
        return number

    return read


def _number(above: float, high: float, *, is_included: bool = True) -> Reader:
    def read(value: object) -> float:
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            raise TypeError
        number = float(value)
        if not (above <= number if is_included else above < number) or not number <= high:
            raise ValueError
        return number

    return read


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError
    return value


def _secret(value: object) -> str:
    text = _text(value)
    if not text.isascii() or not text.isprintable() or " " in text or len(text) > _SECRET_MAX:
        raise ValueError
    return text


def _project_word(value: object) -> str:
    text = _text(value)
    if not _PROJECT_WORD.fullmatch(text) or not text.strip("."):
        raise ValueError
    return text


def _api_url(value: object) -> str:
    url = _text(value).rstrip("/")
    if not _API_URL.fullmatch(url):
        raise ValueError
    return url


def _one_of(*choices: str) -> Reader:
    def read(value: object) -> str:
        return next(choice for choice in choices if choice.lower() == _text(value).lower())

    return read


def _some_of(*choices: str) -> Reader:
    def read(value: object) -> tuple[str, ...]:
        named = value if isinstance(value, list) else _text(value).split(",")
        return tuple(dict.fromkeys(_one_of(*choices)(str(name).strip()) for name in named))

    return read


def _absolute_path(value: object) -> str:
    path = os.path.expanduser(_text(value))
    if not os.path.isabs(path):
        raise ValueError
    return path


def _bundles(value: object) -> tuple[str, ...]:
    named = value if isinstance(value, list) else _text(value).split()
    if not named or not all(isinstance(one, str) and _BUNDLE.fullmatch(one) for one in named):
        raise ValueError
    return tuple(dict.fromkeys(named))


def count_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _setting(variable: str, default: object, may_be: str, read: Reader, *, is_secret: bool = False) -> Any:
    metadata = {"variable": variable, "may_be": may_be, "read": read, "is_secret": is_secret}
    return field(default=default, metadata=metadata, repr=not is_secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set, checked. `None` means: not set, the feature is off."""

    model: str = _setting("AIL_MODEL", "all-MiniLM-L6-v2", "a model's name or directory", _text)
    encoder: str = _setting(
        "AIL_ENCODER", "prepared", "prepared or sentence-transformers", _one_of("prepared", "sentence-transformers")
    )
    faiss_enabled: bool = _setting("AIL_FAISS_ENABLED", True, _YES_OR_NO, _truth)
    faiss_fallback: bool = _setting("AIL_FAISS_FALLBACK", True, _YES_OR_NO, _truth)
    faiss_required_confidence: float = _setting("AIL_FAISS_REQUIRED_CONFIDENCE", 0.5, _SHARE, _number(0, 1))
    faiss_rollout: int = _setting("FAISS_ROLLOUT", 100, "a whole number from 0 to 100, per cent", _whole(0, 100))
    shadow: int = _setting("AIL_SHADOW", 0, "a whole number from 0 to 100, per cent", _whole(0, 100))
    faiss_similarity_threshold: float = _setting("FAISS_SIMILARITY_THRESHOLD", 0.85, _SHARE, _number(0, 1))
    cache_size: int = _setting("AIL_CACHE_SIZE", 1000, _ENTRIES, _whole(0, 1_000_000))
    faiss_cache_size: int = _setting("FAISS_CACHE_SIZE", 100, _ENTRIES, _whole(0, 1_000_000))
    faiss_cache: bool = _setting("AIL_FAISS_CACHE", True, _YES_OR_NO, _truth)
    bundles: tuple[str, ...] = _setting(
        "AIL_BUNDLES",
        (),
        "http(s) URLs without a password, absolute directories, or ref:, with spaces between",
        _bundles,
    )
    bundle_signers: str | None = _setting("AIL_BUNDLE_SIGNERS", None, "an absolute path", _absolute_path)
    embed_on_battery: bool = _setting("AIL_EMBED_ON_BATTERY", False, _YES_OR_NO, _truth)
    max_query_time_s: float = _setting(
        "AIL_MAX_QUERY_TIME_S", 5.0, "a number of seconds above 0, at most 3,600", _number(0, 3600, is_included=False)
    )
    batch_size: int = _setting("AIL_BATCH_SIZE", 32, "a whole number from 1 to 4,096", _whole(1, 4096))
    max_workers: int = _setting("AIL_MAX_WORKERS", count_cores(), "a whole number from 1 to 256", _whole(1, 256))
    refs: tuple[str, ...] = _setting(
        "AIL_REFS",
        REF_KINDS,
        f"some of {', '.join(REF_KINDS)}, with commas between (HEAD always counts)",
        _some_of(*REF_KINDS),
    )
    watch: bool = _setting("AIL_WATCH", True, _YES_OR_NO, _truth)
    reconcile_s: float = _setting("AIL_RECONCILE_S", 55.0, "a number of seconds from 1 to 3,600", _number(1, 3600))
    log_level: str = _setting(
        "AIL_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR", _one_of("DEBUG", "INFO", "WARNING", "ERROR")
    )
    log_file: str | None = _setting("AIL_LOG_FILE", None, "an absolute path", _absolute_path)
    metrics_port: int | None = _setting("AIL_METRICS_PORT", None, "a port from 1 to 65,535", _whole(1, 65535))
    idle_exit_s: float | None = _setting(
        "AIL_IDLE_EXIT_S", None, "a number of seconds from 1 to 604,800 (a week)", _number(1, 604_800)
    )
    max_repos: int = _setting("AIL_MAX_REPOS", 1000, "a whole number from 1 to 100,000", _whole(1, 100_000))
    max_commits: int = _setting("AIL_MAX_COMMITS", 2_000_000, _MANY, _whole(1, 100_000_000))
    max_refs: int = _setting("AIL_MAX_REFS", 100_000, _MANY, _whole(1, 100_000_000))
    max_paths: int = _setting("AIL_MAX_PATHS", 100_000, _MANY, _whole(1, 100_000_000))
    max_message_bytes: int = _setting("AIL_MAX_MESSAGE_BYTES", 256 << 10, _BYTES, _whole(1000, 64 << 20))
    max_diff_bytes: int = _setting("AIL_MAX_DIFF_BYTES", 64 << 10, _BYTES, _whole(1000, 64 << 20))
    max_clients: int = _setting("AIL_MAX_CLIENTS", 256, "a whole number from 1 to 1,024", _whole(1, 1024))
    max_question_bytes: int = _setting(
        "AIL_MAX_QUESTION_BYTES", 100_000, "a whole number from 1 to 1,000,000", _whole(1, 1_000_000)
    )
    max_silence_s: float = _setting(
        "AIL_MAX_SILENCE_S", 300.0, "a number of seconds from 1 to 86,400", _number(1, 86_400)
    )
    github_token: str | None = _setting(
        "GITHUB_TOKEN", None, "a token, of ASCII characters without a space", _secret, is_secret=True
    )
    github_owner: str | None = _setting("GITHUB_OWNER", None, "a user's or an organisation's name", _project_word)
    github_repo: str | None = _setting("GITHUB_REPO", None, "a repository's name", _project_word)
    github_api_url: str = _setting(
        "GITHUB_API_URL", "https://api.github.com", "an https URL, or an http one of the loopback", _api_url
    )


VARIABLES: Mapping[str, Field[Any]] = {one.metadata["variable"]: one for one in fields(Settings)}
"""Every setting by its variable's name, in the order of the contract."""


def get_child_environment() -> dict[str, str]:
    """Return this process's environment for a child process: without secrets."""
    secrets = {name for name, one in VARIABLES.items() if one.metadata["is_secret"]}
    return {name: value for name, value in os.environ.items() if name not in secrets}


class Loaded(NamedTuple):
    """Settings as they were read, and the origin of each variable that is set somewhere; the others have their defaults."""

    settings: Settings
    origins: Mapping[str, Origin]


def load_settings(file: str | None = None) -> Settings:
    """Return the settings alone; see `read_settings`."""
    return read_settings(file).settings


def read_settings(file: str | None = None) -> Loaded:
    """Return the settings of *file* (None: the user's own; a missing one is empty) and of the environment.

    Raises UsageError naming the variable, and what it may be, if a value or a name is wrong.
    """
    path = file or get_config_file()
    written = _read_toml(path)
    for name in written.keys() - VARIABLES.keys():
        raise UsageError(f"{path} sets {name}, which is no setting", f"the settings are {', '.join(VARIABLES)}")
    found: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for variable, one in VARIABLES.items():
        if set_here := os.environ.get(variable):  # an empty variable is as good as none
            found[one.name], origins[variable] = _take(one, set_here, "correct it in the environment"), "environment"
        elif variable in written:
            found[one.name], origins[variable] = _take(one, written[variable], f"correct it in {path}"), "file"
    return Loaded(Settings(**found), origins)


def read_assignments(assignments: Mapping[str, object]) -> dict[str, Any]:
    """Return checked values by variable, from names as people write them: `faiss_enabled`, `AIL_FAISS_ENABLED`.

    Raises UsageError naming the first that is wrong, and what it may be.
    """
    found: dict[str, Any] = {}
    for name, value in assignments.items():
        variable = find_variable(name)
        if variable in found:
            raise UsageError(f"{variable} is set twice", "give it once")
        found[variable] = _take(VARIABLES[variable], value, "nothing was changed")
    return found


def find_variable(name: str) -> str:
    """Return the variable that *name* means: itself or its field's name, in any case. Raises UsageError."""
    for variable, one in VARIABLES.items():
        if name.upper() == variable or name.lower() == one.name:
            return variable
    raise UsageError(f"there is no setting {name:.80}", suggest(name.upper(), VARIABLES))


def _take(one: Field[Any], value: object, hint: str) -> Any:
    """Return the checked value. The error does not repeat it: it may be a token."""
    try:
        return one.metadata["read"](value)
    except (ValueError, TypeError, StopIteration):
        raise UsageError(f"{one.metadata['variable']} must be {one.metadata['may_be']}", hint) from None


def _read_toml(path: str) -> dict[str, Any]:
    try:
        with open(
            os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb"
        ) as file:  # a pipe must not hold us up
            return {name.upper(): value for name, value in tomllib.load(file).items()}
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as err:
        said = (
            err.strerror
            if isinstance(err, OSError)
            else "it is nested too deep"
            if isinstance(err, RecursionError)
            else err
        )
        raise UsageError(f"the settings in {path} cannot be read: {said}", "correct the file or move it away") from err
