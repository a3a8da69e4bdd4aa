"""Finds the GitHub project of a repository: from the settings, else from its `origin`."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ail_rpc.discovery import RepoPlace

from ..history.opening import open_history
from ..settings import Settings
from .fetching import Project

_GIT_LIMIT_S = 5.0
_WITH_SCHEME = re.compile(r"(?:https?|ssh|git|git\+ssh)://(?:[^@/]*@)?(?P<host>[^:/@]+)(?::\d+)?/(?P<path>.+)")
_LIKE_SCP = re.compile(r"(?:[^@:/]*@)?(?P<host>[^:/@]{2,}):(?P<path>[^/].*)")
_PATH = re.compile(r"(?P<owner>[A-Za-z0-9._-]{1,100})/(?P<name>[A-Za-z0-9._-]{1,100})")
_URL_MAX = 1000
_PUBLIC = frozenset({"github.com", "www.github.com", "ssh.github.com"})


def find_project(settings: Settings, place: RepoPlace) -> Project | None:
    """Return the GitHub project of the repository at *place*; None if it is not known, or no token is set.

    GITHUB_OWNER and GITHUB_REPO hold for every repository; what they leave open is taken from `origin`, where that lies on the
    host whose API is asked. Raises RepoUnreadableError, OutOfTimeError, NotInstalledError.
    """
    if not settings.github_token:
        return None
    owner, name = settings.github_owner, settings.github_repo
    if not (owner and name):
        url = open_history(place, limit_s=_GIT_LIMIT_S).read_origin_url()
        derived = parse_url(url, get_hosts(settings.github_api_url))
        if derived is None:
            return None
        owner, name = owner or derived[0], name or derived[1]
    return Project(settings.github_api_url, owner, name, settings.github_token)


def get_hosts(api_url: str) -> frozenset[str]:
    """Return the hosts whose repositories the API at *api_url* knows; one on the loopback stands for github.com."""
    parts = urlsplit(api_url)
    host = parts.hostname or ""
    if parts.scheme == "http" or host == "api.github.com":
        return _PUBLIC
    return frozenset({host, host.removeprefix("api.")})


def parse_url(url: str, hosts: frozenset[str]) -> tuple[str, str] | None:
    """Return (owner, name) of a remote's *url* on one of *hosts*, None for any other."""
    if len(url) > _URL_MAX or not (found := _WITH_SCHEME.fullmatch(url) or _LIKE_SCP.fullmatch(url)):
        return None
    path = _PATH.fullmatch(found["path"].rstrip("/").removesuffix(".git"))
    if found["host"].lower() not in hosts or not path or not all(part.strip(".") for part in path.groups()):
        return None
    return path["owner"], path["name"]
