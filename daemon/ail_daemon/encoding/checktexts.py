"""Texts on which a prepared model is compared with its original: messages and questions of many kinds and lengths."""

from __future__ import annotations

_LONG = "The cache was keyed by the path alone, so two worktrees of a repository shared entries and served stale ones. "

CHECK_TEXTS: tuple[str, ...] = (
    "Fix typo",
    "wip",
    "Merge branch 'master' into features",
    "Bump version to 3.10.0",
    "",
    "x",
    'Revert "Enable http2"',
    "Why does the client retry three times before it gives up?",
    "what made us stop trusting the cache after a restore?",
    "Why is the timeout 30 seconds?",
    "who removed support for Python 2 and why",
    "warum wird die Verbindung hier geschlossen?",
    "Retry on ECONNRESET\n\nThe load balancer drops idle connections after 60 s without a FIN.",
    "Use os.replace instead of os.rename, as rename fails on Windows where the target exists",
    "monkeypatch: fix setattr with dotted import path for non-module targets (#1234)",
    "Close the file descriptor before fork: the child kept the lock and the parent waited for ever",
    "refactor: move parse_args() to cli.py\n\nNo functional change.",
    "Add tests for the tokenizer's empty input",
    "Drop the dependency on six",
    "CVE-2024-12345: validate the length before the copy",
    "Speed up collection by caching stat()",
    "Ajouter la gestion des erreurs r\u00e9seau",
    "\u4fee\u590d\u5185\u5b58\u6cc4\u6f0f",
    "\u041f\u043e\u0447\u0438\u043d\u0438\u0442\u044c \u0441\u0431\u043e\u0440\u043a\u0443",
    "docs \U0001f4dd: explain fixtures",
    "def f(x):\n    return x if x is not None else DEFAULT\n",
    "a8f5f167f44f4964e6c998dee827110c",
    "src/http/pool.py:120",
    "Signed-off-by: A U Thor <author@example.org>\nCo-authored-by: Somebody <some@example.org>",
    "[svn r37264] create the new development trunk\n\n--HG--\nbranch : trunk",
    _LONG * 2,
    _LONG * 5,
    _LONG * 20,
    "Do not capture stdin when -s is given. " + _LONG * 3,
    "don't skip the second pass; skip the first",
)
