"""The child process that asks GitHub with which pull request commits came: `python -m ail_daemon.github`.

A process of its own, so that neither an HTTP library nor ssl stays in the daemon's memory. It is started only if a token is set,
and sends the token and commits' shas to that one API.

stdin has one JSON map: api, owner, name, token, shas. stdout gets a JSON line for each answer, {"sha", "request"} (null: there
is none), then {"end": null}, or {"end": a word of `fetching.PROBLEMS`, "wait_s": what GitHub asks for or null}.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from http.client import HTTPException, HTTPMessage
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from ..process import isolation

LIFE_S = 60
"""After so long this process ends, also if its parent has gone."""
BODY_MAX_BYTES = 1 << 20
TITLE_MAX, URL_MAX = 300, 500
_ANSWER_S = 10.0
_NUMBER_MAX = 1 << 53
_WAIT_MAX_S = 86_400
_STATUSES = {401: "bad_token", 403: "forbidden", 404: "not_found", 410: "not_found", 451: "not_found", 429: "limited"}
_UNKNOWN_COMMIT = 422
_REDIRECTS = range(300, 400)


class ProblemError(Exception):
    """GitHub cannot be asked any more: one word why, and for how many seconds it asks for a pause, None if for none."""

    def __init__(self, kind: str, wait_s: int | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.wait_s = wait_s


class _StayingThere(HTTPRedirectHandler):
    """Follows a redirection (of a renamed repository) only to the same scheme, host and port: no other may get the token."""

    max_redirections = 3

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """See HTTPRedirectHandler; None raises the redirection as an error."""
        if urlsplit(newurl)[:2] != urlsplit(req.full_url)[:2]:
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class GitHub:
    """One repository's pull requests."""

    def __init__(self, api: str, owner: str, name: str, token: str) -> None:
        self._commits = f"{api}/repos/{owner}/{name}/commits"
        self._token = token
        self._opener = _make_opener(api)

    def find_request(self, sha: str) -> dict[str, Any] | None:
        """Return number, title, url and state of the pull request that brought *sha*, None for none. Raises ProblemError."""
        try:
            body = self._get(f"{self._commits}/{sha}/pulls")
        except HTTPError as err:
            err.close()
            if err.code == _UNKNOWN_COMMIT:  # it was never pushed
                return None
            raise judge(err.code, {name.lower(): value for name, value in err.headers.items()}, time.time()) from err
        except (OSError, HTTPException, ValueError) as err:  # ValueError: an address in a redirection that is none
            raise ProblemError("offline") from err
        return choose(read_body(body))

    def _get(self, url: str) -> bytes:
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self._token}",
            "User-Agent": "archaeological-intelligence",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        with self._opener.open(Request(url, headers=headers), timeout=_ANSWER_S) as answer:  # noqa: S310 - settings let http(s) pass alone
            return bytes(answer.read(BODY_MAX_BYTES + 1))


def _make_opener(api: str) -> OpenerDirector:
    """Return what opens addresses: through the proxy of the environment, except on the loopback."""
    proxies = ProxyHandler({}) if api.startswith("http:") else ProxyHandler()
    return build_opener(proxies, _StayingThere())


def judge(status: int, headers: Mapping[str, str], now: float) -> ProblemError:
    """Return what an answer other than 200 means; *headers* in lower case, *now* in seconds since 1970."""
    if status in _REDIRECTS:
        return ProblemError("redirected")
    if status not in _STATUSES:
        return ProblemError("failing", _read_whole(headers.get("retry-after")))
    wait_s = _read_wait(headers, now) if status in (403, 429) else None
    return ProblemError("limited" if wait_s is not None else _STATUSES[status], wait_s)


def _read_wait(headers: Mapping[str, str], now: float) -> int | None:
    if (after := _read_whole(headers.get("retry-after"))) is not None:
        return after
    reset = _read_whole(headers.get("x-ratelimit-reset"), most=1 << 40)
    if headers.get("x-ratelimit-remaining") != "0" or reset is None:
        return None
    return min(max(reset - int(now), 0) + 1, _WAIT_MAX_S)


def _read_whole(text: str | None, most: int = _WAIT_MAX_S) -> int | None:
    """Return the number that a header is, *most* at the most; None where it is none."""
    return min(int(text[:15]), most) if text and text.isascii() and text.isdigit() else None


def read_body(body: bytes) -> list[dict[str, Any]]:
    """Return the well-formed pull requests of an answer. Raises ProblemError if it is no list."""
    if len(body) > BODY_MAX_BYTES:
        raise ProblemError("garbled")
    try:
        listed = json.loads(body)
    except (ValueError, RecursionError) as err:
        raise ProblemError("garbled") from err
    if not isinstance(listed, list):
        raise ProblemError("garbled")
    return [read for one in listed if (read := _read_request(one))]


def _read_request(pull: object) -> dict[str, Any] | None:
    match pull:
        case {"number": int(number), "title": str(title), "html_url": str(url), **others} if 0 < number < _NUMBER_MAX:
            if isinstance(number, bool) or not _is_address(url):
                return None
            state = "merged" if others.get("merged_at") else "open" if others.get("state") == "open" else "closed"
            return {"number": number, "title": _clean(title)[:TITLE_MAX], "url": url, "state": state}
    return None


def _is_address(url: str) -> bool:
    is_plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= URL_MAX
    return is_plain and url.startswith(("https://", "http://"))


def _clean(title: str) -> str:
    """Return *title* without lone surrogates, which JSON may hold and UTF-8 may not."""
    return title.encode("utf-8", "replace").decode()


def choose(requests: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the one that brought the commit: the oldest merged one, else the oldest; None if there is none."""
    return min(requests, key=lambda one: (one["state"] != "merged", one["number"]), default=None)


def main() -> None:
    """Answer the order on stdin."""
    isolation.isolate()
    os.nice(10)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the daemon's to handle
    signal.alarm(LIFE_S)
    order = json.load(sys.stdin)
    github = GitHub(order["api"], order["owner"], order["name"], order["token"])
    try:
        for sha in order["shas"]:
            _tell({"sha": sha, "request": github.find_request(sha)})
    except ProblemError as err:
        _tell({"end": err.kind, "wait_s": err.wait_s})
    else:
        _tell({"end": None})


def _tell(line: dict[str, Any]) -> None:
    sys.stdout.write(f"{json.dumps(line)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
