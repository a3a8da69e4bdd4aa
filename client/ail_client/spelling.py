"""How people write a place: `FILE:30-33`, `FILE:30:5`, `FILE#L30-L33`, `FILE:function`, `SHA:FILE:30`. Pure: reads no file."""

from __future__ import annotations

from ail_rpc.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    Lines = list[int] | None

_MAX_LINE_DIGITS = 9  # 999,999,999 lines; the wire carries ints below 2**63
_LINES = r"(?a)(?::(\d+)(?:-(\d+))?(?::\d+)?:?|#L(\d+)(?:C\d+)?(?:-L?(\d+)(?:C\d+)?)?)\Z"
"""`:30`, `:30-33`, with a compiler's column behind it or the colon of `grep -n`; `#L30-L33` as in GitHub's addresses."""

_COMMIT = r"(?:HEAD|@|(?=[0-9a-f]*\d)[0-9a-f]{7,64})(?:[~^][\d~^]*)?"
_OF_COMMITS = frozenset("HEAD@0123456789abcdef~^")
_EXTENSION_MAX = 8
_RANGE = r"(\d+)(?:,(\+?)(\d+))?:(.+)"
_ONLY_RANGE = r"\d+(?:,\+?\d+)?|:(?:[^:\\]|\\.)+"
_RANGE_OF_FUNCTION = r":((?:[^:\\]|\\.)+):(.+)"


class Spelled:
    """A place as it is written. file: None for a commit as a whole; lines: [first, last]; at: the commit that is named.

    function: in place of lines, a function's name, or an expression as git's -L takes it.
    """

    __slots__ = ("at", "file", "function", "lines")

    def __init__(
        self, file: str | None, lines: Lines = None, at: str | None = None, function: str | None = None
    ) -> None:
        self.file = file
        self.lines = lines
        self.at = at
        self.function = function


def parse_place(text: str) -> Spelled:
    """Return the place that *text* means, unless a file has exactly that name.

    Raises UsageError for lines that begin at 0 or end before they begin, and for no file.
    """
    if is_commit(text):
        return Spelled(None, None, text)
    file, lines = parse_lines(text)
    commit, colon, rest = file.partition(":")
    at = None
    if colon and rest and is_commit(commit):
        at, file = commit, rest
    before, function = split_function(file) if lines is None else (file, None)
    if function and looks_like_file(before):
        return Spelled(before, None, at, function)
    return Spelled(file, lines, at)


def parse_range(text: str) -> Spelled:
    """Return the place that *text* means as git's -L has it: `:function:FILE`, `10,20:FILE`, `10,+5:FILE`, `10:FILE`.

    Raises UsageError for other forms.
    """
    import re  # 4 ms: the usual `FILE:30` is read without it

    if found := re.fullmatch(_RANGE_OF_FUNCTION, text, re.DOTALL):
        return Spelled(check_name(found[2]), function=found[1])
    if found := re.fullmatch(_RANGE, text, re.ASCII | re.DOTALL):
        first = int(found[1])
        last = first + int(found[3]) - 1 if found[2] else int(found[3] or first)
        if 1 <= first <= last < 10**_MAX_LINE_DIGITS:
            return Spelled(check_name(found[4]), [first, last])
    raise UsageError(
        f"-L {text}: neither lines nor a function of a file", "for example -L 10,20:FILE or -L :function:FILE"
    )


def join_range(text: str, file: str) -> str:
    """Return -L's *text*, given without a file as `git blame` takes it, with *file*. Raises UsageError where it has one."""
    import re

    if not re.fullmatch(_ONLY_RANGE, text, re.ASCII | re.DOTALL):
        raise UsageError("a place is named twice", "either FILE:LINE or -L RANGE:FILE")
    return f"{text}:{file}"


def spell_lines(word: str) -> str | None:
    """Return "30" or "30-33" of a word that means lines alone, as editors and git have them: `30`, `+30`, `30,33`; else None."""
    first, sign, last = word.removeprefix("+").replace(",", "-").partition("-")
    return f"{first}{sign}{last}" if _are_digits(first) and (_are_digits(last) or not sign) else None


def split_function(text: str) -> tuple[str, str | None]:
    """Return (file, function) of `FILE:function`; (*text*, None) where no name follows a colon."""
    file, _, name = text.rpartition(":")
    return (file, name) if file and all(map(str.isidentifier, name.split("."))) else (text, None)


def looks_like_file(text: str) -> bool:
    """Whether *text* is written as a file's path is: with / or an extension: `adapters.py`, but also `HTTPAdapter.send`."""
    if "/" in text.strip("/"):
        return True
    name, _, extension = text.rpartition(".")
    if not name or name[-1] == "." or "/" in name or any(map(str.isspace, name)):
        return False
    is_word = extension.isascii() and extension.isalnum() and extension[0].isalpha()
    return is_word and len(extension) <= _EXTENSION_MAX


def parse_lines(text: str) -> tuple[str, Lines]:
    """Return (file, [first, last] or None): only a trailing line or range counts, other colons belong to the name."""
    found = _find_lines(text)
    if not found:
        return check_name(text), None
    file, first, last = found
    if max(len(first), len(last)) > _MAX_LINE_DIGITS:
        raise UsageError(f"{text}: no file has that many lines")
    lines = [int(first), int(last)]
    if not 1 <= lines[0] <= lines[1]:
        raise UsageError(
            f"{text}: lines are counted from 1, the first before the last", "for example src/http.py:120-124"
        )
    return check_name(file), lines


def _find_lines(text: str) -> tuple[str, str, str] | None:
    """Return (file, first, last line) as they are written; None where no lines are."""
    if "#" not in text and text.count(":") < 2:
        file, _, behind = text.rpartition(":")
        first, dash, last = behind.partition("-")
        is_range = file != "" or text[:1] == ":"
        return (
            (file, first, last or first)
            if is_range and _are_digits(first) and (_are_digits(last) or not dash)
            else None
        )
    import re

    found = re.search(_LINES, text)
    return found and (text[: found.start()], found[1] or found[3], found[2] or found[4] or found[1] or found[3])


def _are_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def check_name(file: str) -> str:
    """Return *file*. Raises UsageError where it can name none."""
    if not file or "\0" in file:
        raise UsageError("FILE is empty", "leave it out to ask about the whole repository")
    return file


def is_commit(text: str) -> bool:
    """Whether *text* is written as a commit is: seven or more digits of its sha, HEAD, HEAD~3."""
    if not _OF_COMMITS.issuperset(text):
        return False
    import re

    return re.fullmatch(_COMMIT, text) is not None


def is_range(text: str) -> bool:
    """Whether *text* is written as a range of commits is: `v1.0..v1.1`; not `..`, `../x`, `why..` or `...`."""
    base, _, tip = text.partition("..")
    is_one_word = not any(map(str.isspace, text))
    return bool(is_one_word and base and tip) and base[0] not in "./" and base[-1] != "/" and tip[0] not in "./"


def looks_like_place(text: str) -> bool:
    """Whether *text* is written as a place is, whether or not there is such a file: one word with lines, / or an extension."""
    if any(map(str.isspace, text)):
        return False
    return looks_like_file(text) or bool(_find_lines(text)) or looks_like_file(split_function(text)[0])
