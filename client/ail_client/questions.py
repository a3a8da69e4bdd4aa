"""The commands that query history: options to a request, a reply to text and an exit status."""

from __future__ import annotations

from ail_rpc import WHY
from ail_rpc.errors import SUGGESTING, NotEnrolledError, NotFoundError, UsageError

from .deadline import Deadline
from .layout import get_page
from .output import has_links, write_answer, write_json, write_note
from .session import Reach, ask_daemon
from .spelling import is_commit, is_range, join_range, looks_like_place, parse_range, spell_lines, split_function
from .target import aim, find_place, is_there, locate, looks_like_range, read_contents, spell, to_wire_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

    from ail_rpc.discovery import RepoPlace

    from .layout import Page
    from .target import Target

QUESTION_MAX_BYTES = 1_000_000  # what one request holds; the daemon's own limit is a setting
_NOTHING_FOUND = 1
_LOG_MAX = 200  # the daemon's limit
_FILTERS = ("limit", "mode", "author", "since", "until", "path", "ref")


def run_ask(options: Namespace, reach: Reach) -> int:
    """Answer a question, or tell the life of lines; 1 where there is no evidence."""
    if options.all or options.repos is not None:
        from .everywhere import run_ask_all

        return run_ask_all(options, reach, get_filters(options))
    _take_range(options)
    question, target = _read_asked(options)
    if options.log:
        return _run_log(options, reach, question, target)
    if options.interactive:
        from .picking import check_terminal, pick

        check_terminal(options)
    reply = _ask(options, reach, question, target)
    if options.interactive and reply["citations"]:
        return pick(reply, _aim(target), target.place, reach)
    return print_found(reply, options, target.place)


def _take_range(options: Namespace) -> None:
    """Take a range of commits before the question, `v1.0..v1.1`, for `--ref`. Raises UsageError where nothing is asked of it."""
    word = options.words[0] if options.words and options.ref is None else ""
    if not is_range(word) or is_there(word, options.repo):
        return
    options.ref, *options.words = options.words
    if not options.words and options.range_of is None:
        raise UsageError(
            f"{options.ref} is a range of commits, and there is no question",
            f'for example: ail-client ask {options.ref} "why do we retry?"',
        )


def _read_asked(options: Namespace) -> tuple[str, Target]:
    """Return the question and what it is about. Raises UsageError."""
    if options.range_of is None:
        question, word = _read_words(options.words, options.repo)
        return question, locate(word, options.repo)
    question, word = _read_words(options.words, options.repo) if options.words else (WHY, None)
    text = options.range_of if word is None else join_range(options.range_of, word)
    return question, aim(parse_range(text), options.repo)


def _ask(options: Namespace, reach: Reach, question: str, target: Target) -> dict[str, Any]:
    params = {**_aim(target), "question": question, **get_filters(options)}
    try:
        return _ask_enrolled(options, reach, "ask", params)
    except NotFoundError as err:
        is_place = target.is_there or target.lines or target.function or err.hint.startswith(SUGGESTING)
        if is_place or (len(options.words) > 1 and not all(map(str.isalpha, options.words))):
            raise
        # like `and/or`, or `retry twice` without quotes: no place after all
        params = {"repo": params["repo"], "question": " ".join(options.words), **get_filters(options)}
        reply: dict[str, Any] = ask_daemon(reach, "ask", params)
        return reply


def _run_log(options: Namespace, reach: Reach, question: str, target: Target) -> int:
    """Print the commits of the lines that *target* names. Raises UsageError where it names none."""
    if question != WHY or options.interactive:
        raise UsageError("--log takes a place alone", "for example git why --log src/http.py:120-124")
    given = sorted(set(get_filters(options)) - {"limit", "no_cache"})
    if given:
        raise UsageError(f"--log does not take --{given[0]}", "it shows every commit of the lines; -N limits them")
    if not (target.lines or target.function):
        raise UsageError("--log needs lines", "FILE:LINE, FILE:FIRST-LAST, FILE:function or -L 10,20:FILE")
    params = _aim(target) | ({"limit": min(options.limit, _LOG_MAX)} if options.limit else {})
    return print_found(_ask_enrolled(options, reach, "log", params), options, target.place)


def _aim(target: Target) -> dict[str, Any]:
    """Return the params that say what a question is about."""
    given: dict[str, Any] = {"file": target.file, "lines": target.lines, "at": target.at and to_wire_path(target.at)}
    given["function"] = target.function and to_wire_path(target.function)
    if (
        (target.lines or target.function)
        and target.is_there
        and not target.at
        and target.place.address != target.place.root
    ):
        given["contents"] = read_contents(target)  # the daemon does not know this work tree
    return {"repo": to_wire_path(target.place.address), **{name: value for name, value in given.items() if value}}


def run_related(options: Namespace, reach: Reach) -> int:
    """Find commits that bear on files or a change; 1 where there are none."""
    if not (options.files or options.staged or options.range is not None):
        raise UsageError("nothing is named", "name files, --staged, or --range main..HEAD")
    if options.range is None and len(options.files) == 1 and looks_like_range(options.files[0], options.repo):
        options.range = options.files.pop()
    place, files = _locate_all(options.files, options.repo)
    params: dict[str, Any] = {"repo": to_wire_path(place.address), "files": files, **get_filters(options)}
    if options.range is not None:
        params["range"] = options.range
    is_cut = False
    if options.staged:
        from .staged import read_staged

        limit = Deadline(options.timeout)
        params["staged"], is_cut = read_staged(limit, place.root if options.repo is not None else None)
    reply = _ask_enrolled(options, reach, "related", params)
    if is_cut:
        reply["degraded"] = reply["degraded"] or "the change is larger than 512 KiB: only its first files count"
    return print_found(reply, options, place)


def _locate_all(words: list[str], directory: str | None) -> tuple[RepoPlace, list[str]]:
    """Return the one repository that all files lie in, and the files. Raises UsageError where there are several."""
    targets = [locate(word, directory) for word in words]
    places = {target.place.address: target.place for target in targets}
    if len(places) > 1:
        raise UsageError(f"the files lie in {len(places)} repositories: {', '.join(places)}", "ask about one at a time")
    place = next(iter(places.values())) if places else find_place(directory)
    return place, [target.file or "." for target in targets]


def run_show(options: Namespace, reach: Reach) -> int:
    """Print one commit."""
    place = find_place(options.repo)
    commit = _ask_enrolled(options, reach, "show", {"repo": to_wire_path(place.address), "sha": options.sha})
    form = _get_form(options)
    if form == "json":
        write_json(commit)
    elif form == "markdown":
        from .reports import Links, report_commit

        write_answer(report_commit(commit, Links.find(place.common_dir)))
    else:
        from .tables import render_commit

        write_answer(render_commit(commit, _get_page(place)), may_page=options.pager)
    return 0


def _ask_enrolled(options: Namespace, reach: Reach, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """Return the daemon's reply; a user at a terminal is asked whether to add a repository that never was."""
    try:
        reply: dict[str, Any] = ask_daemon(reach, method, params)
    except NotEnrolledError as err:
        from .offering import add_if_wanted, may_offer

        if not may_offer(options):
            raise
        add_if_wanted(reach, params["repo"], err)
        reply = ask_daemon(reach, method, params)
    return reply


def _read_words(words: list[str], directory: str | None) -> tuple[str, str | None]:
    """Return (question, FILE or None): a place alone asks why it is so; the order is free; a question needs no quotes.

    Raises UsageError.
    """
    if not words or not words[-1].strip():
        raise UsageError("the question is empty", 'for example: ail-client ask "why do we retry?"')
    places = [_is_place(word, directory) for word in words]
    file, others = _split_words(words, places, directory)
    lines = spell_lines(others[0]) if len(others) == 1 and any(places) else None
    if lines and file and file == spell(file, directory).file:
        return WHY, f"{file}:{lines}"
    question = " ".join(others) or WHY
    if len(question.encode("utf-8", "surrogateescape")) > QUESTION_MAX_BYTES:
        raise UsageError(f"the question has more than {QUESTION_MAX_BYTES:,} bytes", "ask in fewer words")
    return question, file


def _split_words(words: list[str], places: list[bool], directory: str | None) -> tuple[str | None, list[str]]:
    """Return FILE, None for none, and the words of the question. Of two words one is FILE; of more only what is surely one."""
    first, last = words[0], words[-1]
    if len(words) == 1:
        return (first, []) if places[0] else (None, words)
    if len(words) == 2:
        return (last, [first]) if places == [False, True] else (first, [last])
    # A bare word is none, though there may be a directory of that name: `why are tests slow`.
    named = [word for word, is_place in zip(words, places, strict=True) if is_place and not word.isalpha()]
    if len([word for word in named if is_there(word, directory)]) > 1:
        raise UsageError(f"more than one file is named: {', '.join(named)}", "ask about one at a time")
    if first in named:
        return first, words[1:]
    return (last, words[:-1]) if last in named and is_there(last, directory) else (None, words)


def _is_place(word: str, directory: str | None) -> bool:
    if is_there(word, directory) or looks_like_place(word) or is_commit(word):
        return True
    file, function = split_function(word)  # `Makefile:build`
    return bool(function) and is_there(file, directory)


def get_filters(options: Namespace) -> dict[str, Any]:
    """Return the params that say which commits may answer, how many, and how they are looked for."""
    given = {name: getattr(options, name) for name in _FILTERS if getattr(options, name) is not None}
    return given | {"no_cache": True} if options.no_cache else given


def _get_form(options: Namespace) -> str:
    return "json" if options.json else options.format or "text"


def print_found(reply: dict[str, Any], options: Namespace, place: RepoPlace) -> int:
    """Print a reply with citations as the options ask for; 1 where it has none."""
    if place.is_named:
        reply["repo"] = to_wire_path(place.root)  # the daemon knows only its git directory
    form = _get_form(options)
    is_empty = reply.get("outcome") == "no_evidence" or not (reply["citations"] or reply.get("companions"))
    if form == "json":
        write_json(reply)
    elif is_empty:
        from .nothing import tell_nothing

        tell_nothing(reply, form, place)
    elif form == "markdown":
        _print_markdown(reply, options, place)
    else:
        _print_for_people(reply, form, place, options.pager)
    if form != "json":
        from .answers import tell_limits

        tell_limits(reply)
    return _NOTHING_FOUND if is_empty else 0


def _print_for_people(reply: dict[str, Any], form: str, place: RepoPlace, may_page: bool) -> None:
    from .answers import describe_answer, render_answer, render_grep

    if form == "grep":
        if said := describe_answer(reply):
            write_note(said)
        write_answer(render_grep(reply))
    elif "companions" in reply:
        from .relations import render_related

        write_answer(render_related(reply, _get_page(place)), may_page=may_page)
    elif "is_whole" in reply:
        from .timelines import render_timeline

        write_answer(render_timeline(reply, _get_page(place)), may_page=may_page)
    else:
        write_answer(render_answer(reply, _get_page(place)), may_page=may_page)


def _print_markdown(reply: dict[str, Any], options: Namespace, place: RepoPlace) -> None:
    from .reports import Links, report_answer

    links = Links.find(place.common_dir)
    if "companions" in reply:
        from .reviews import report_related

        change = options.range or ("what is staged" if options.staged else "")
        write_answer(report_related(reply, links, change))
    elif "is_whole" in reply:
        from .timelines import report_timeline

        write_answer(report_timeline(reply, links))
    else:
        write_answer(report_answer(reply, links))


def _get_page(place: RepoPlace) -> Page:
    if not has_links():
        return get_page()
    from .remotes import find_commit_url  # reads .git/config

    return get_page(find_commit_url(place.common_dir))
