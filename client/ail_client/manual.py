"""What `--help` and the man pages teach: what each command is for, with examples. Read only when somebody asks.

A command without an entry here gets its summary and example from `arguments.COMMANDS`.
"""

from __future__ import annotations

from .parsing import get_help_width
from .wrapping import wrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .arguments import Command

SUBJECT = (
    'Ask "why is this so?" about code. The answer comes from its git history: the sentences of the commits that say why,'
    " each with its commit, and how sure it is. Everything stays on this machine."
)

_GROUPS = (
    ("ask history", ("ask", "related", "show")),
    ("repositories", ("add", "remove", "repos")),
    ("the daemon", ("status", "doctor", "health", "stop", "reload", "flags", "metrics")),
    ("index and caches", ("check", "cache", "backup", "restore")),
)

_PAGES: dict[str, tuple[str, str]] = {
    "ask": (
        "Answer a question from the history. FILE, and lines of it, say what the question is about: commits that touch "
        "them count for more, and none is hidden. FILE counts from the current directory, else from the repository's "
        "root, and need not exist any more; its lines are those on the disk. A place alone asks why it is so. `FILE:30:5`, "
        "`FILE:30:` (grep -n), `FILE#L30-L33`, a directory, and `SHA:FILE:30`, as it was in a commit, are taken too, and "
        "QUESTION before FILE. The repository is FILE's own. A word or two are a question too. Exits 1 where there is no "
        "evidence.",
        '%(prog)s "why do we retry uploads?"               the whole repository\n'
        '%(prog)s src/http.py "what is this file for?"      a file\n'
        '%(prog)s src/http.py:120-124 "why the retry?"      some lines of it\n'
        "%(prog)s src/http.py:120                          why they are so\n"
        '%(prog)s --format grep "why the retry?"            for Vim and Emacs\n'
        '%(prog)s --json "why the retry?" | jq -r .answer   for a script\n'
        '%(prog)s -- "--force: why is it refused?"          what begins with -',
    ),
    "related": (
        "Find the commits that bear on files you are about to change, or on what is staged: why their lines are as "
        "they are, what was tried before and undone. Exits 1 where there are none.",
        "%(prog)s src/http.py src/retry.py   before you change them\n"
        "%(prog)s --staged                   before you commit",
    ),
    "show": (
        "Show one commit as the index knows it: who, when, the whole message, the files, whether it was reverted.",
        "%(prog)s 4f1c2d9   the beginning of its sha will do\n%(prog)s HEAD   or v1.2, main, HEAD~2\n"
        "%(prog)s 4f1c2d9 --json",
    ),
    "add": (
        "Enrol a repository. Only what was added is ever read; nothing in it is run and nothing is fetched. Indexing "
        "goes on by itself: words answer within a second; meaning finds the newest commits first and all of them after "
        "seconds, or after a quarter of an hour where there are 100,000. --wait says how far it is and how long it takes.",
        "%(prog)s                        the repository of this directory\n"
        "%(prog)s ~/src/project --wait   show progress, return when everything is searchable",
    ),
    "remove": (
        "Forget a repository, also one that is gone from the disk. Its index stays for when it is added again, unless "
        "it is purged.",
        "%(prog)s                         the repository of this directory\n"
        "%(prog)s ~/src/project --purge   and no byte of its index stays",
    ),
    "repos": (
        "List the repositories that were added, and how far each is.",
        "%(prog)s\n%(prog)s --json | jq -r '.repos[].path'",
    ),
    "status": (
        "Show what the daemon is and does: its version and model, memory, and every repository with its state.",
        "%(prog)s\n%(prog)s --json | jq .rss_bytes",
    ),
    "doctor": (
        "Look for what keeps AIL from working well here: versions, socket, settings, model, FAISS, SQLite, git, watches, "
        "disk, service, and each repository, tried with something whose result is known. Each finding says what to do. "
        "Helps without a daemon too. Exits 1 where something fails, 0 with warnings.",
        "%(prog)s\n%(prog)s --json",
    ),
    "health": (
        "Exit 0 if the daemon is live (it answers) or ready (it can answer questions), 1 if not. For probes: it never "
        "starts a daemon.",
        "%(prog)s live\n%(prog)s ready && echo ask away",
    ),
    "stop": ("Stop the daemon, and return when it is gone. The next question starts it again.", "%(prog)s"),
    "metrics": (
        "Print the daemon's metrics as Prometheus reads them, or with --json as one document with p50, p95 and p99.",
        "%(prog)s\n%(prog)s | grep latency",
    ),
    "cache": (
        "Show, empty or fill the answer caches. `warm` asks what a file lists, so that it is answered at once from then on: a "
        "question a line, or FILE, a tab and a question about it. What cannot be answered is told with its line and passed "
        "over. Exits 1 where nothing could be warmed.",
        "%(prog)s stats\n%(prog)s clear\n%(prog)s warm questions.txt\ngit log --format='why %%s?' -20 | %(prog)s warm -",
    ),
    "flags": (
        "Show settings of the running daemon and where each comes from, or change them at once, until `reload` or its next "
        "start. The names may be written in lower case, and without AIL_. All are taken, or where one is wrong none.",
        "%(prog)s                            show them\n"
        "%(prog)s AIL_FAISS_ENABLED=false    answer by words alone, at once\n"
        "%(prog)s FAISS_ROLLOUT=50           half of the questions by meaning",
    ),
    "reload": (
        "Have the daemon read its settings again, without a restart or a lost question, and say what changed by it. What "
        "`flags` set ends with it. A wrong value changes nothing. SIGHUP does the same.",
        "%(prog)s",
    ),
    "check": (
        "Check the index against git, and repair it (index); or ask both sides, meaning and words, the same questions, and "
        "say where they differ (consistency). Exits 1 where something does not hold.",
        "%(prog)s index\n%(prog)s consistency --sample 100",
    ),
    "backup": ("Write the index to a file.", "%(prog)s ~/ail-index.bak"),
    "restore": ("Take the index from a file that `backup` wrote.", "%(prog)s ~/ail-index.bak"),
}


def describe(name: str, summary: str) -> str:
    """Return what the command *name* is for."""
    return _PAGES[name][0] if name in _PAGES else f"{summary[:1].upper()}{summary[1:]}."


def fold(text: str) -> str:
    """Return *text* in lines that fit."""
    return "\n".join(wrap(text, get_help_width()))


def exemplify(name: str, example: str, program: str) -> str:
    """Return the examples of the command *name*, as *program* is called, under a heading."""
    shown = (_PAGES[name][1] if name in _PAGES else example).replace("%(prog)s", program)
    return "examples:\n" + "\n".join(f"  {line}" for line in _align(shown.split("\n")))


def list_commands(commands: Mapping[str, Command]) -> str:
    """Return what AIL is for and every command with its summary, in groups."""
    width = max(map(len, commands)) + 4
    grouped = {name for _, names in _GROUPS for name in names}
    groups = [*_GROUPS, ("more", tuple(name for name in commands if name not in grouped))]
    lines = [SUBJECT]
    for title, names in groups:
        lines += ["", f"{title}:"] if names else []
        lines += [f"  {name:{width - 2}}{commands[name].summary}" for name in names]
    return "\n".join(part for line in lines for part in wrap(line, get_help_width()))


def begin(program: str) -> str:
    """Return the first steps for a new user."""
    lines = (
        f"{program} add --wait   begin: enrol this repository",
        f'{program} ask src/http.py:120 "why the retry?"',
        'git why src/http.py:120 "why the retry?"   the same',
    )
    more = f"`{program} COMMAND --help` explains one, with examples; so does `man {program}`."
    return "\n".join(["examples:", *(f"  {line}" for line in _align(lines)), "", fold(more)])


def _align(lines: Sequence[str]) -> list[str]:
    """Return *lines* with their remarks, set off by three blanks or more, aligned."""
    split = [line.partition("   ") for line in lines]
    width = max(len(shown) for shown, _, _ in split)
    return [f"{shown:{width}}   {remark.strip()}".rstrip() for shown, _, remark in split]
