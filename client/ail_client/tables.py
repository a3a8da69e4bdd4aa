"""Replies about commits, repositories and the daemon, as text. Every word from outside is made safe here."""

from __future__ import annotations

from .layout import Page, describe_span, describe_time, make_table, shorten
from .sanitise import to_block, to_line, to_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PATHS_SHOWN = 20


def render_commit(commit: dict[str, Any], page: Page) -> str:
    """Return the reply of `show`."""
    lines = [page.paint(f"commit {to_line(commit['sha'])}", "yellow")]
    lines.append(f"Author: {to_line(commit.get('author') or '')}")
    lines.append(f"Date:   {describe_time(to_line(commit.get('author_time') or ''))}")
    for key, words in (("reverted_by", "Reverted by:"), ("replaced_by", "Replaced by:")):
        if commit.get(key):
            lines.append(f"{words} {shorten(to_line(commit[key]))}")
    message = commit.get("message") or commit.get("subject") or ""
    lines += ["", *(f"    {line}".rstrip() for line in to_block(message.strip("\n")))]
    return "\n".join(lines + _render_paths(commit.get("paths") or []))


def render_repos(repos: list[dict[str, Any]]) -> str:
    """Return the reply of `repos`: one line a repository."""
    if not repos:
        return ""
    rows = [(to_path(repo["path"]), _count(repo.get("commits")), describe_state(repo)) for repo in repos]
    return "\n".join(make_table(("REPOSITORY", "COMMITS", "STATE"), rows))


def render_status(status: dict[str, Any]) -> str:
    """Return the reply of `status`: the daemon, then its repositories."""
    model = status.get("model")
    up = describe_span(status.get("uptime_s") or 0)
    lines = [
        f"daemon   {to_line(str(status.get('version')))}, pid {status.get('pid')}, up {up}",
        f"socket   {to_path(str(status.get('socket')))}",
        f"model    {to_line(str(model)) if model else 'none: questions are answered by words alone'}",
        f"memory   {(status.get('rss_bytes') or 0) / 1e6:.0f} MB",
    ]
    repos = status.get("repos") or []
    return "\n".join([*lines, "", render_repos(repos)] if repos else lines)


def render_check(result: dict[str, Any]) -> str:
    """Return the reply of `check index`: one line a repository, with what was found wrong."""
    return "\n".join(_render_checked(repo) for repo in result.get("repos") or []) or "no repository was added"


def _render_checked(repo: dict[str, Any]) -> str:
    found = {name: count for name, count in (repo.get("found") or {}).items() if count not in (0, "ok")}
    wrong = ", ".join(f"{to_line(name)} {to_line(str(count))}" for name, count in found.items())
    state = "repaired" if repo.get("repaired") else "holds" if repo.get("ok") else "does not hold"
    said = "; ".join(filter(None, (wrong, to_line(repo.get("notice") or ""))))
    return f"{to_path(repo['path'])}: {state}, {_count(repo.get('commits'))} commits{f' ({said})' if said else ''}"


def render_fields(value: object, indent: str = "") -> str:
    """Return any reply as `name: value` lines; for those that have no layout of their own."""
    if isinstance(value, dict):
        return "\n".join(_render_field(to_line(str(key)), each, indent) for key, each in value.items())
    if isinstance(value, list):
        return "\n".join(render_fields(each, indent) for each in value)
    return "\n".join(indent + line for line in to_block(_describe(value)))


def describe_state(repo: dict[str, Any]) -> str:
    """Return in words how far the index of *repo* is, and its notice."""
    state = (
        "ready" if repo.get("complete") else f"{repo.get('phase') or 'waiting'}, {_count(repo.get('pending'))} to go"
    )
    notice = repo.get("notice")
    return f"{state}: {to_line(notice)}" if notice else state


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
