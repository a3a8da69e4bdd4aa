"""What the daemon says about itself: JSON lines.

A line has a few fixed fields and nothing else: no question, answer, message, path or token can get into it. `log` has
no field for them; of an exception only the type and traceback are written, and of a library's line only its origin.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from logging.handlers import RotatingFileHandler
from typing import Any, Literal

import structlog

from .underway import get_request

Level = Literal["debug", "info", "warning", "error"]

_LOGGER = logging.getLogger("ail")
_NUMBERS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_FILE_BYTES, _FILES = 10_000_000, 10


def start_logging(level: str, file: str | None) -> None:
    """Send lines of *level* (DEBUG, INFO, WARNING, ERROR) and above to *file*, or to stderr (None).

    The file is rotated at 10 MB, ten are kept.
    Calling it again replaces what was set before. Raises OSError where the file cannot be opened.
    """
    logging.raiseExceptions = False  # on a full disk the line is lost; stderr would get it with its arguments
    sink = _open_sink(file)
    sink.setFormatter(_Lines())
    root = logging.getLogger()
    before = root.handlers[:]
    root.addHandler(sink)
    for old in before:
        root.removeHandler(old)
        old.close()
    root.setLevel(logging.WARNING)
    _LOGGER.setLevel(level)
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", key="at"),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def is_logged(level: Level) -> bool:
    """Whether a line of *level* is written."""
    return _LOGGER.isEnabledFor(_NUMBERS[level])


def log(
    event: str,
    *,
    level: Level = "info",
    method: str | None = None,
    outcome: str | None = None,
    duration_ms: float | None = None,
    code: int | None = None,
    repo_id: str | None = None,
    mode: str | None = None,
    tier: str | None = None,
    count: int | None = None,
    error: BaseException | None = None,
) -> None:
    """Write one line; fields that are None are left out.

    event, method, outcome, mode, tier: words of this program's own, never text from outside. repo_id: the hash that names a
    repository's data; by default that of the request under way, whose id each line written meanwhile has. code: a wire
    code. error: only its type and the functions it passed through are written.
    """
    if not is_logged(level):
        return
    request = get_request()
    fields: dict[str, Any] = {
        "request_id": request.request_id if request else None,
        "method": method,
        "outcome": outcome,
        "duration_ms": None if duration_ms is None else round(duration_ms, 3),
        "code": code,
        "repo_id": repo_id or (request.repo_id if request else None),
        "mode": mode,
        "tier": tier,
        "count": count,
        "error": None if error is None else _describe(error),
    }
    write = getattr(structlog.get_logger("ail"), level)
    write(event, **{name: value for name, value in fields.items() if value is not None})


def _describe(error: BaseException) -> list[str]:
    """Return the error's type and the frames it passed, innermost last, then the same of what caused it."""
    lines = [type(error).__qualname__]
    lines += [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    cause = error.__cause__ or error.__context__
    return lines + (["caused by", *_describe(cause)] if cause else [])


class _Lines(logging.Formatter):
    """Our own lines as structlog made them; of a library's line only logger, level and line number."""

    def format(self, record: logging.LogRecord) -> str:
        if record.name == "ail":
            return record.getMessage()
        said = {"event": "library", "logger": record.name, "level": record.levelname.lower(), "at_line": record.lineno}
        if record.exc_info and record.exc_info[1]:
            said["error"] = _describe(record.exc_info[1])
        return json.dumps(said)


def _open_sink(file: str | None) -> logging.Handler:
    if file is None:
        return logging.StreamHandler(sys.stderr)
    return RotatingFileHandler(file, maxBytes=_FILE_BYTES, backupCount=_FILES - 1, encoding="utf-8")
