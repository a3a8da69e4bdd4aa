"""`cache.stats`, `cache.clear`, `cache.warm`."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from ail_rpc.errors import AilError, UsageError

from ..repos.repos import Repos
from ..server.params import Handler
from .caches import AnswerCaches, uncounted
from .warming import RecentQuestions

_FAILURES_TOLD = 100
_FILE_BYTES = 16 << 20


class Caching:
    """The methods about both caches and the recent questions; *ask* answers a call's params without observers."""

    def __init__(self, ask: Handler, repos: Repos, caches: AnswerCaches, recent: RecentQuestions) -> None:
        self._ask = ask
        self._repos = repos
        self._caches = caches
        self._recent = recent

    async def stats(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return each cache's figures, how many texts reused an embedding, and how many questions are remembered."""
        del params
        return {
            **{name: cache.stats().to_wire() for name, cache in self._caches._asdict().items()},
            "embeddings": {
                "hits": sum(repo.reused for repo in self._repos),
                "misses": sum(repo.encoded for repo in self._repos),
            },
            "recent": len(self._recent),
        }

    async def clear(self, params: dict[str, Any]) -> dict[str, Any]:
        """Forget every reply and question, or those of `repo` alone; return how many replies of each cache they were."""
        if params["repo"] is None:
            self._recent.forget()
            return self._caches.clear()
        found, _ = self._repos.find(params["repo"])
        self._recent.forget(lambda directory: self._repos.is_within(directory, found))
        return self._caches.clear(lambda key: _get_token(key) == found.token)

    def forget_removed(self) -> None:
        """Forget replies and questions about repositories that are not enrolled any more."""
        tokens = {repo.token for repo in self._repos}
        self._caches.clear(lambda key: _get_token(key) not in tokens)
        self._recent.forget(lambda directory: not self._repos.is_within(directory))

    async def warm(self, params: dict[str, Any]) -> dict[str, Any]:
        """Ask `questions` about `repo`, or those of `file`, so that they are answered from the cache from now on.

        Each is a line: a question, or a file of the repository, a tab and a question; blank ones are passed over. Returns
        warmed, how many; failed, how many; failures, the first of them: line, counted from 1, and reason.
        """
        self._repos.find(params["repo"])
        lines = await asyncio.to_thread(_read_lines, params)
        warmed, failures = 0, []
        with uncounted():
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    degraded = (await self._ask(_parse(params["repo"], line)))["degraded"]
                except AilError as err:
                    degraded = err.message
                if degraded:  # a degraded answer is not kept
                    failures.append({"line": number, "reason": degraded})
                else:
                    warmed += 1
        return {"warmed": warmed, "failed": len(failures), "failures": failures[:_FAILURES_TOLD]}


def _get_token(key: Any) -> bytes:
    token: bytes = key[0]  # of the enrolment: every key begins with it
    return token


def _parse(repo: str, line: str) -> dict[str, Any]:
    file, tab, question = line.partition("\t")
    return {"repo": repo, "file": file.strip(), "question": question} if tab else {"repo": repo, "question": line}


def _read_lines(params: dict[str, Any]) -> list[str]:
    if params["questions"] is not None:
        return list(params["questions"])
    if params["file"] is None:
        raise UsageError("there is nothing to warm with", "give questions, or a file of them, one a line")
    try:
        with open(os.open(params["file"], os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            content = file.read(_FILE_BYTES + 1)
    except OSError as err:
        raise UsageError(f"{params['file']} cannot be read: {err.strerror}") from err
    if len(content) > _FILE_BYTES:
        raise UsageError(f"{params['file']} is larger than {_FILE_BYTES >> 20} MiB", "warm with fewer questions")
    return content.decode("utf-8", "replace").splitlines()
