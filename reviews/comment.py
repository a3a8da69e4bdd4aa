"""Keep one comment of a pull or merge request up to date with a report in Markdown; standard library alone.

python3 comment.py REPORT

An empty report makes no comment; a comment that is there already then says that nothing is left to say. What is known of the job
comes from the variables that GitHub Actions and GitLab CI set. Where the comment cannot be written, as for a pull request from a
fork, the report goes to the job's summary (GITHUB_STEP_SUMMARY), else to its log, and the exit status is 0: no build fails.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

MARK = "<!-- ail-review -->"
NOTHING_LEFT = "The history has nothing to say of this change any more."
_MOST_CHARS = 60_000  # GitHub takes 65,536
_PAGES = 20
_LIMIT_S = 30.0


class Comment(NamedTuple):
    """A comment that is there. number: its id."""

    number: int
    body: str


class CannotCommentError(Exception):
    """Why no comment can be written here, in words for the job's log."""


class Pages:
    """The comments of one request, on GitHub or GitLab: *url* lists them, *each* with a number added changes one."""

    def __init__(self, url: str, each: str, method: str, headers: dict[str, str]) -> None:
        self._url = url
        self._each = each
        self._method = method
        self._headers = headers

    def find(self, author: str) -> Comment | None:
        """Return our comment: by *author*, and with our mark at its head. Raises CannotCommentError."""
        for page in range(1, _PAGES + 1):
            listed = self._call("GET", f"{self._url}?per_page=100&page={page}", None)
            for one in listed:
                by = one.get("user") or one.get("author") or {}
                if str(one.get("body") or "").startswith(MARK) and author in (by.get("login"), by.get("username")):
                    return Comment(int(one["id"]), str(one["body"]))
            if len(listed) < 100:
                break
        return None

    def read_user(self) -> str:
        """Return whose the token is, by GitLab's `/user`. Raises CannotCommentError."""
        return str(self._call("GET", self._url, None).get("username"))

    def write(self, body: str, there: Comment | None) -> None:
        """Write *body*, in place of the comment *there*. Raises CannotCommentError."""
        if there is None:
            self._call("POST", self._url, {"body": body})
        elif there.body.replace("\r\n", "\n").strip() != body.strip():
            self._call(self._method, f"{self._each}{there.number}", {"body": body})

    def _call(self, method: str, url: str, said: dict[str, str] | None) -> Any:
        if not url.startswith(("https://", "http://")):
            raise CannotCommentError("the address of the API is none of the web")
        data = None if said is None else json.dumps(said).encode()
        headers = {"Accept": "application/json", "Content-Type": "application/json", "User-Agent": "ail-review"}
        request = urllib.request.Request(url, data, headers | self._headers, method=method)  # noqa: S310 - checked above
        try:
            with _OPENER.open(request, timeout=_LIMIT_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as err:
            raise CannotCommentError(
                f"{method} of the comment was refused with {err.code}: {_explain(err.code)}"
            ) from err
        except (OSError, ValueError) as err:
            raise CannotCommentError(f"the comment could not be written: {type(err).__name__}") from err


class _Staying(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: it would carry the token elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_Staying)


def main() -> int:
    """Write the comment, or the report elsewhere."""
    report = Path(sys.argv[1]).read_text("utf-8")
    body = f"{MARK}\n{_shorten(report)}" if report.strip() else ""
    try:
        pages, author = _find_pages()
        there = pages.find(author)
        if body or there:
            pages.write(body or f"{MARK}\n{NOTHING_LEFT}\n", there)
    except CannotCommentError as err:
        print(f"AIL: {err}", file=sys.stderr)
        _show_elsewhere(report)
    return 0


def _find_pages() -> tuple[Pages, str]:
    """Return the comments of the request that this job is about, and who we are. Raises CannotCommentError."""
    env = os.environ
    if env.get("AIL_COMMENT", "true").lower() == "false":
        raise CannotCommentError("no comment is asked for")
    token = env.get("AIL_TOKEN")
    if not token:
        raise CannotCommentError("there is no token to write a comment with (AIL_TOKEN)")
    if env.get("GITHUB_ACTIONS"):
        base = f"{env.get('GITHUB_API_URL', 'https://api.github.com')}/repos/{env['GITHUB_REPOSITORY']}/issues"
        headers = {"Authorization": f"Bearer {token}", "X-GitHub-Api-Version": "2022-11-28"}
        url = f"{base}/{_read_pull_number()}/comments"
        return Pages(url, f"{base}/comments/", "PATCH", headers), env.get("AIL_COMMENT_AUTHOR", "github-actions[bot]")
    if env.get("CI_MERGE_REQUEST_IID"):
        base = (
            f"{env['CI_API_V4_URL']}/projects/{env['CI_PROJECT_ID']}/merge_requests/{env['CI_MERGE_REQUEST_IID']}/notes"
        )
        pages = Pages(base, f"{base}/", "PUT", {"PRIVATE-TOKEN": token})
        user = Pages(f"{env['CI_API_V4_URL']}/user", "", "", {"PRIVATE-TOKEN": token})
        return pages, env.get("AIL_COMMENT_AUTHOR") or user.read_user()
    raise CannotCommentError("this job is about no pull or merge request")


def _read_pull_number() -> int:
    try:
        event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text("utf-8"))
        return int(event["pull_request"]["number"])
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise CannotCommentError("this job is about no pull request") from err


def _show_elsewhere(report: str) -> None:
    if not report.strip():
        return
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(summary, "a", encoding="utf-8") as file:
            file.write(report.rstrip("\n") + "\n")
    else:
        print(report)


def _shorten(report: str) -> str:
    """Return *report* without its folded part where it is too long, and cut at a line where that does not suffice."""
    if len(report) <= _MOST_CHARS:
        return report
    shown = report.partition("\n<details>")[0]
    return shown if len(shown) <= _MOST_CHARS else shown[:_MOST_CHARS].rpartition("\n")[0] + "\n"


def _explain(code: int) -> str:
    return {
        401: "the token is not valid",
        403: "the token may not write; a pull request from a fork gets a token that only reads",
        404: "the token may not see it",
    }.get(code, "see the API's documentation")


if __name__ == "__main__":
    sys.exit(main())
