"""Replies about commits, repositories and the daemon, as text. Every word from outside is made safe here."""

from __future__ import annotations

import os

from .citations import render_fate
from .layout import Page, describe_preparing, describe_progress, describe_span, describe_time, make_table, shorten
from .sanitise import to_block, to_line, to_path
from .wrapping import count_columns, wrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PATHS_SHOWN = 20
_SOURCES = {
    "add": "when it was added", "hook": "a git hook told of it", "event": "seen on the disk", "timer": "by the timer",
    "question": "at a question",
}  # fmt: skip
_TABLE_FROM = 60  # columns; below, a repository has lines of its own


def render_commit(commit: dict[str, Any], page: Page) -> str:
    """Return the reply of `show`: who, when, its fate, the whole message, the files."""
    sha = to_line(commit["sha"])
    lines = [f"{page.paint('commit', 'dim')} {page.name_commit(sha, sha)}"]
    lines.append(f"{page.paint('Author:', 'dim')} {to_line(commit.get('author') or '')}")
    lines.append(f"{page.paint('Date:', 'dim')}   {describe_time(to_line(commit.get('author_time') or ''))}")
    lines += render_fate(commit, page)
    return "\n".join([*lines, *_render_message(commit, page), *_render_paths(commit.get("paths") or [])])


def _render_message(commit: dict[str, Any], page: Page) -> list[str]:
    """Return the message as git shows it, indented; only lines too long for the page are broken."""
    indent = "  " if page.is_narrow else "    "
    room = None if page.width is None else max(10, page.width - len(indent))
    subject, *body = to_block((commit.get("message") or commit.get("subject") or "").strip("\n"))
    lines = [page.paint(line, "bold") for line in _fit(subject, room)]
    lines += [part for line in body for part in _fit(line, room)]
    return ["", *(f"{indent}{line}".rstrip() for line in lines)]


def _fit(line: str, room: int | None) -> list[str]:
    return [line] if room is None or count_columns(line) <= room else wrap(line, room)


def render_repos(repos: list[dict[str, Any]], page: Page | None = None) -> str:
    """Return the reply of `repos`: one line a repository, or two where the terminal is narrow."""
    if not repos:
        return ""
    page = page or Page(None, False)
    width = max(len(_count(repo.get("commits"))) for repo in repos)
    rows = [
        (_shorten_path(repo["path"], page), f"{_count(repo.get('commits')):>{width}}", describe_state(repo))
        for repo in repos
    ]
    if page.width is not None and (page.width < _TABLE_FROM or max(len(row[0]) for row in rows) > page.width // 2):
        return "\n".join(
            line for row in rows for line in (row[0], *page.wrap(f"{row[1].strip()} commits, {row[2]}", "  "))
        )
    head, *lines = make_table(("REPOSITORY", "COMMITS", "STATE"), rows, page)
    return "\n".join([page.paint(head, "dim"), *lines])


def render_status(status: dict[str, Any], page: Page | None = None) -> str:
    """Return the reply of `status`: the daemon, then its repositories."""
    page = page or Page(None, False)
    model = status.get("model")
    up = describe_span(status.get("uptime_s") or 0)
    rows = [
        ("daemon", f"{to_line(str(status.get('version')))}, pid {status.get('pid')}, up {up}"),
        ("socket", _shorten_path(str(status.get("socket")), page)),
        ("model", _describe_model(to_line(str(model)), status) if model else _describe_no_model(status)),
        ("memory", _describe_memory(status)),
        *_list_metrics(status.get("metrics") or {}),
        *_list_github(status.get("github") or {}),
    ]
    if notice := status.get("notice"):
        rows.append(("notice", to_line(str(notice))))
    lines = []
    for name, value in rows:
        first, *others = page.wrap(value, " " * 9)
        lines += [page.paint(f"{name:9}", "dim") + first[9:], *others]
    repos = status.get("repos") or []
    return "\n".join([*lines, "", render_repos(repos, page)] if repos else lines)


def _describe_memory(status: dict[str, Any]) -> str:
    """Return the resident memory, and the daemon's private share: the rest is code and files shared with others."""
    resident = f"{(status.get('rss_bytes') or 0) / 1e6:.0f} MB"
    own = status.get("uss_bytes")
    return f"{resident} resident, {own / 1e6:.0f} MB of it the daemon's alone" if own else resident


def _list_metrics(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    if not metrics.get("port"):
        return []
    notice = metrics.get("notice")
    return [("metrics", to_line(str(notice)) if notice else f"http://127.0.0.1:{metrics['port']}/metrics")]


def _list_github(github: dict[str, Any]) -> list[tuple[str, str]]:
    if not github.get("on"):
        return []
    problem, todo = github.get("problem"), github.get("todo")
    return [("github", to_line(f"{problem}: {todo}") if problem else "asked for pull requests")]


def _describe_no_model(status: dict[str, Any]) -> str:
    """Return why no model is in use: just after a start it is being loaded, and questions wait for it."""
    if (preparing_s := status.get("preparing_s")) is not None:
        return f"{describe_preparing(preparing_s)}: questions are answered by words alone until then"
    reason = to_line(str(status.get("no_model") or "none"))
    if reason == "model loading":
        return "loading"
    remedy = to_line(str(status.get("model_remedy") or "`ail-daemon model prepare` makes one ready"))
    return f"{reason}: questions are answered by words alone; {remedy}"


def _describe_model(model: str, status: dict[str, Any]) -> str:
    """Return the name of the model in use, and whether its damaged files are being prepared anew."""
    preparing_s = status.get("preparing_s")
    return _name_model(model) + (
        "" if preparing_s is None else f"; its files were damaged: {describe_preparing(preparing_s)}"
    )


def _name_model(model: str) -> str:
    """Return a model's name; an id of 64 hex digits is abbreviated as a sha."""
    return shorten(model) if len(model) == 64 and " " not in model else model


def _shorten_path(path: str, page: Page) -> str:
    """Return *path*; on a terminal abbreviated, `~/project`."""
    home = os.environ.get("HOME", "").rstrip("/")
    if page.width is not None and home and path.startswith(f"{home}/"):
        path = f"~{path[len(home) :]}"
    return to_path(path)


def render_check(result: dict[str, Any]) -> str:
    """Return the reply of `check index`: one line a repository, with what was found wrong."""
    return "\n".join(_render_checked(repo) for repo in result.get("repos") or []) or "no repository was added"


def render_kept(command: str, kept: dict[str, Any]) -> str:
    """Return the reply of `backup` or `restore`: one line a repository, then the file."""
    lines = [
        f"{to_path(repo['path'])}: {_count(repo.get('commits'))} commits{', replaced' if repo.get('replaced') else ''}"
        for repo in kept.get("repos") or []
    ]
    did = "written" if command == "backup" else "restored from"
    size = f", {kept['size_bytes'] / 1e6:,.1f} MB" if "size_bytes" in kept else ""
    settings = f"; settings: {to_line(str(kept['settings']))}" if "settings" in kept else ""
    return "\n".join(
        [*lines, f"{did} {to_path(str(kept.get('file')))}{size}, {kept.get('took_s') or 0:.1f} s{settings}"]
    )


def _render_checked(repo: dict[str, Any]) -> str:
    found = {name: count for name, count in (repo.get("found") or {}).items() if count not in (0, "ok")}
    wrong = ", ".join(f"{to_line(name)} {to_line(str(count))}" for name, count in found.items())
    state = "repaired" if repo.get("repaired") else "holds" if repo.get("ok") else "does not hold"
    said = "; ".join(filter(None, (wrong, to_line(repo.get("notice") or ""))))
    return f"{to_path(repo['path'])}: {state}, {_count(repo.get('commits'))} commits{f' ({said})' if said else ''}"


def render_fields(value: object, indent: str = "") -> str:
    """Return any reply as `name: value` lines, for those without a layout of their own."""
    if isinstance(value, dict):
        return "\n".join(_render_field(to_line(str(key)), each, indent) for key, each in value.items())
    if isinstance(value, list):
        return "\n".join(render_fields(each, indent) for each in value)
    return "\n".join(indent + line for line in to_block(_describe(value)))


def describe_state(repo: dict[str, Any]) -> str:
    """Return how far the index of *repo* is, what caused the last update, why events do not work, what it lacks."""
    state = "ready" if repo.get("complete") else describe_progress(repo)
    if source := repo.get("updated_by"):
        state += f" (last update: {_SOURCES.get(source, to_line(str(source)))})"
    watched = repo.get("watched") or "events"
    said = [
        state,
        *([] if watched == "events" else [to_line(watched)]),
        *filter(None, [to_line(repo.get(name) or "") for name in ("notice", "unread")]),
    ]
    return ": ".join(said)


def _render_paths(paths: list[str]) -> list[str]:
    if not paths:
        return []
    more = len(paths) - _PATHS_SHOWN
    lines = ["", *(f"    {to_path(path)}" for path in paths[:_PATHS_SHOWN])]
    return [*lines, f"    and {more:,} more"] if more > 0 else lines


def _render_field(name: str, value: object, indent: str) -> str:
    if isinstance(value, dict | list) and value:
        return f"{indent}{name}:\n{render_fields(value, indent + '  ')}"
    return f"{indent}{name}: {to_line(_describe(value))}"


def _describe(value: object) -> str:
    if value is None or value == [] or value == {}:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _count(number: object) -> str:
    return f"{number:,}" if isinstance(number, int) else "?"
