"""Reports of `ail-hook` as lines for a person. Pure."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_STATES = {
    "installed": "installed",
    "chained": "installed; the hook that was there runs first",
    "outdated": "installed by another version, or for another state directory: `ail-hook install` renews it",
    "disabled": "installed, and switched off in git's configuration",
    "not ours": "not installed; another hook is there",
    "missing": "not installed",
    "left to events": "not needed: the daemon sees commits by itself (`ail-hook install --post-commit` installs it)",
}


def render_report(report: dict[str, Any]) -> str:
    """Return a line for each event: its name, state and place."""
    width = max(map(len, report["events"]))
    return "\n".join(f"{name:{width}}  {_STATES[one['state']]}{_where(one)}" for name, one in report["events"].items())


def render_refusal(report: dict[str, Any]) -> str:
    """Return why nothing was installed, and what to do; the snippet itself is not in it."""
    looked_after = {
        "core.hooksPath": f"core.hooksPath has git take this repository's hooks from {report['hooks_dir']}",
        "a link": f"{report['hooks_dir']} is a link",
    }
    why = looked_after.get(report["tool"], f"{report['tool']} looks after this repository's hooks")
    return (
        f"nothing was changed: {why}\n"
        "hint: add the lines on standard output to its configuration; or `ail-hook install --shim` puts shims into that "
        "directory all the same, and keeps and calls what is there"
    )


def render_removal(report: dict[str, Any]) -> str:
    """Return what an uninstallation did, and what it had to leave."""
    removed = ", ".join(report["removed"])
    lines = [f"removed: {removed}" if removed else "there was nothing to remove"]
    lines += [f"left: {path}, as another program's hook now stands in its place" for path in report["left"]]
    still = [name for name, one in report["events"].items() if one["by"] == "global" and report["repo"]]
    if still:
        lines.append(
            "still run by the user's configuration: `ail-hook uninstall --global` removes it, for all repositories"
        )
    return "\n".join(lines)


def _where(one: dict[str, Any]) -> str:
    if one["by"] in ("local", "global"):
        return f" ({'this repository' if one['by'] == 'local' else 'the user'}'s git configuration)"
    return f" ({one['path']})" if one["path"] and one["state"] != "missing" else ""
