"""A commit's and a pull request's web page: their addresses, made from the repository's remote. Reads one file, never runs git.

Only known hosts get links, made only of characters that need no escaping: no control character, password or user
of a remote's URL can get into one, because the address is built anew from host and path.
The link of a commit that was not pushed leads to "not found": that is not checked.
"""

from __future__ import annotations

import os
import re

from ail_rpc.discovery import read_regular

_CONFIG_MAX_BYTES = 1 << 20
_URL_MAX = 1000
_SECTION = re.compile(r'\[remote "([^"\\\]]+)"\]\s*$')
_URL = re.compile(r"url\s*=\s*(\S+)\s*$", re.IGNORECASE)
_WITH_SCHEME = re.compile(
    r"(?P<scheme>https?|ssh|git|git\+ssh)://(?:[^@/]*@)*(?P<host>[^:/@]+)(?::(?P<port>\d+))?/(?P<path>.+)"
)
_LIKE_SCP = re.compile(r"(?:[^@:/]*@)?(?P<host>[^:/@]{2,}):(?P<path>[^/].*)")
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
_PATH = re.compile(r"(?:[A-Za-z0-9_.~-]+/)+[A-Za-z0-9_.~-]+")
_KINDS = {
    "github": ("/commit/", "/pull/"), "gitea": ("/commit/", "/pulls/"), "forgejo": ("/commit/", "/pulls/"),
    "codeberg.org": ("/commit/", "/pulls/"), "git.sr.ht": ("/commit/", ""), "gitlab": ("/-/commit/", "/-/merge_requests/"),
    "bitbucket.org": ("/commits/", "/pull-requests/"),
}  # fmt: skip
"""A host's name or a part of it, and what precedes a sha, and a pull request's number, in its addresses; "" for none."""


def find_commit_url(common_dir: str) -> str:
    """Return what a sha is appended to, "https://github.com/o/r/commit/"; "" where no remote is on a known host."""
    return make_commit_url(find_remote_url(common_dir))


def find_remote_url(common_dir: str) -> str:
    """Return the URL of `origin`, else of the first remote, as it is configured; "" where there is none."""
    remotes = _read_remotes(os.path.join(common_dir, "config"))
    return remotes.get("origin") or next(iter(remotes.values()), "")


def make_commit_url(url: str) -> str:
    """Return what a sha is appended to for a remote at *url*; "" for an unknown host or anything unusual."""
    return _make_url(url, 0)


def make_pull_url(url: str) -> str:
    """Return what a pull request's number is appended to for a remote at *url*; "" as for `make_commit_url`."""
    return _make_url(url, 1)


def _make_url(url: str, which: int) -> str:
    url = url[:_URL_MAX]
    found = _WITH_SCHEME.fullmatch(url) or _LIKE_SCP.fullmatch(url)
    if not found:
        return ""
    parts = found.groupdict()
    host, path = parts["host"], parts["path"].rstrip("/").removesuffix(".git")
    before = _find_kind(host.lower())[which]
    if not before or not _HOST.fullmatch(host) or not _PATH.fullmatch(path) or ".." in path.split("/"):
        return ""
    scheme = parts.get("scheme") or "ssh"
    port = f":{parts['port']}" if parts.get("port") and scheme.startswith("http") else ""
    return f"{scheme if scheme == 'http' else 'https'}://{host}{port}/{path}{before}"


def _find_kind(host: str) -> tuple[str, str]:
    labels = host.split(".")
    return next((before for name, before in _KINDS.items() if name == host or name in labels), ("", ""))


def _read_remotes(config: str) -> dict[str, str]:
    """Return each remote's first URL by its name, in the file's order; includes and `insteadOf` are left alone."""
    try:
        text = read_regular(config, _CONFIG_MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return {}
    remotes: dict[str, str] = {}
    section = None
    for line in map(str.strip, text.split("\n")):
        if line.startswith("["):
            named = _SECTION.match(line)
            section = named[1] if named else None
        elif section is not None and (given := _URL.match(line)):
            remotes.setdefault(section, given[1].strip('"'))
    return remotes
