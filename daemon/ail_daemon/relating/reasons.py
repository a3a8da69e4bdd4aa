"""Finds the sentence of a commit message that explicitly says why. Pure.

Stricter than the choice of an answer's sentences: at a commit nobody asked, so the one sentence must be worth reading.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ail_daemon.model import Commit
from ail_daemon.text.prose import read_sentences

_WHY = re.compile(
    r"\b(because|since\b(?! \d)|otherwise|so (?:that|we|it|they)\b|in order to|to (?:avoid|prevent|work around|ensure|not|keep)"
    r"|(?:this|which) (?:avoids|prevents|fixes|caused|means|broke|breaks|is (?:needed|required|not|necessary))|due to|caused? by"
    r"|instead of|rather than|the (?:reason|problem|issue|bug)|broke|breaks?|broken|fail(?:s|ed|ing)|crash(?:es|ed)?|hangs?"
    r"|leak(?:s|ed)?|races?|deadlocks?|regression|workaround|no longer|does(?:n't| not)|do(?:n't| not)|can(?:'t|not)|cannot"
    r"|wrong(?:ly)?|incorrect(?:ly)?|deprecated|security|vulnerab\w+|must(?: not)?|needs? to|too (?:slow|long|many|much))\b",
    re.IGNORECASE,
)
_LABELS = re.compile(r"^(?:\[[^\]]*\]\s*)+")
_REFERENCES_BEHIND = re.compile(r"(?:\s*\(#\d+\))+$")
_MERGE = re.compile(r"^Merge (?:pull request|branch|remote)")
_FIX = re.compile(
    r"^\W*(?:bug)?fix(?:e[sd]|ing)?\b(?!.*\b(?:typos?|lint|flake8|mypy|docs?|tests?|ci|build|warnings?|changelog)\b)",
    re.IGNORECASE,
)
_WORDING = re.compile(
    r"\b(?:docs?|docstrings?|documentation|annotations?|typing|type hints?|(?:error )?messages? wording)\b",
    re.IGNORECASE,
)
_FEATURE = re.compile(r"^\W*fix\w* (?:issue |bug )?#?\d+\W+(?:implement|add|introduc|support)", re.IGNORECASE)
_RETIRING = re.compile(
    r"\b(?:drop(?:s|ped)?|remov(?:e[sd]?|ing)|end|clean ?up)\b.*\b(?:deprecat\w*|support|python|py)\b"
    r"|\b(?:drop|remove)\w* (?:support (?:for|of) )?(?:python|py) ?\d|^py\d\d\+",
    re.IGNORECASE,
)
_SCOPE = re.compile(r"^[\w./-]{1,20}: ")
_NOISE = re.compile(
    r"^\s*(?:co-authored|signed-off|merge |\(?cherry picked|\[PR #|---|===)|https?://\S+$|\b(?:mypy|flake8|pylint|lint\w*)\b"
    r"|^\W*(?:add|update|fix|adapt)(?:e[sd]|s|ing)? (?:(?:a|an|the|some|more|unit|failing|regression) )*tests?\b"
    r"|\b(?:does|do)(?:n't| not) (?:touch|affect)\b",
    re.IGNORECASE,
)
_CHORE = re.compile(
    r"^\W*(?:\[svn r\d+\]\s*)?(?:(?:prepar\w*|start|begin|bump|finali[sz]e|update) (?:for |the |a |new |next |dev\w* )*"
    r"(?:release|version|cycle|changelog|\d+\.\d)|release \S*\d|regen\w*\b|apply (?:suggestions|review)"
    r"|merge (?:branch|pull|remote)|bump \S+ from \S+ to\b)"
    r"|\bregen(?:erate)? docs\b|review (?:\w+ )?(?:comments|feedback|notes)|release announcement",
    re.IGNORECASE,
)
_TRIFLE = re.compile(
    r"\b(?:typos?|misspell\w*|spelling|grammar|wording|white ?space|indentation|pep ?8|isort|flake8|pylint|ruff)\b"
    r"|\blint(?:ers?|ing|s)?\b"
    r"|\b(?:re)?format(?:ted|ting)? (?:the )?(?:code|files?|with)\b|\bblacken\w*|\brun black\b",
    re.IGNORECASE,
)
_SECURITY = re.compile(
    r"\bCVE-\d{4}-\d+|\bGHSA-\w+|\b(?:security|vulnerab\w+|exploit\w*|arbitrary (?:code|command|file)"
    r"|(?:path|directory) traversal|(?:sql|command|code|header|log|crlf) injection|xss|csrf|ssrf|request smuggling"
    r"|denial of service|privilege escalation|timing attack|use[- ]after[- ]free|buffer over(?:flow|run)"
    r"|information (?:leak|disclosure)|world[- ](?:readable|writable))\b",
    re.IGNORECASE,
)
_SECURITY_CHARS = 4000  # what is read of a message for it
_REFERENCE = re.compile(r"\([^)]*\)|#\d+|\b(?:issue|bug|pr)\s*#?\d+|\[[^\]]*\]", re.IGNORECASE)
_FEWEST_WORDS = 7
_FIX_WORDS = 4  # without what it refers to
_MOST_CHARS = 240
_SENTENCES = 60


def is_chore(subject: str) -> bool:
    """Whether the subject names a routine task, such as a release: its lines come and go without a reason of their own."""
    return bool(_CHORE.search(subject))


def is_trifle(subject: str) -> bool:
    """Whether the subject says that spelling or layout was corrected."""
    return bool(_TRIFLE.search(subject))


def is_about_security(commit: Commit) -> bool:
    """Whether the message says that a security hole was closed: then removing any of its lines is worth a remark."""
    return bool(_SECURITY.search(commit.message[:_SECURITY_CHARS]))


def read_title(commit: Commit) -> str:
    """Return the subject without labels of backports and references; of a merge of a pull request the title in its body."""
    subject = commit.subject
    if _MERGE.match(subject) and commit.body:
        subject = commit.body.split("\n", 1)[0].strip()
    return _REFERENCES_BEHIND.sub("", _LABELS.sub("", subject))


def is_fix(title: str) -> bool:
    """Whether a title says that something was mended, other than spelling, pages or tests."""
    says_so = _FIX.search(title) or _FIX.search(_SCOPE.sub("", title))
    return bool(says_so) and not is_trifle(title) and not _FEATURE.search(title)


def is_title_alone(commit: Commit, reason: str | None) -> bool:
    """Whether all that a commit gives for a *reason* is its title, and that says what was mended, not why."""
    begin = (reason or "").removesuffix(" …")[:40]
    is_title = commit.subject.startswith(begin) or read_title(commit).startswith(begin)
    return is_title and not (_WHY.search(commit.subject) and len(commit.subject.split()) >= _FEWEST_WORDS)


def is_retiring(subjects: Sequence[str]) -> bool:
    """Whether half or more of a change's own subjects say that something deprecated, or support of an old version, is dropped."""
    return bool(subjects) and 2 * sum(bool(_RETIRING.search(one)) for one in subjects) >= len(subjects)


def is_wording(title: str) -> bool:
    """Whether a title says that documentation or annotations were changed: removed code was not what it was about."""
    return bool(_WORDING.search(title))


def find_reason(commit: Commit, is_repeated: Callable[[str], bool] = lambda _: False) -> str | None:
    """Return the first sentence of the body that says why, else a subject that says what was wrong; None if there is neither.

    is_repeated: whether a sentence comes from a template; those are ignored.
    """
    sentences = [one.text for one in read_sentences(commit.subject, commit.body)[:_SENTENCES]]
    for sentence in sentences[1:]:
        says_so = _WHY.search(sentence) and len(sentence.split()) >= _FEWEST_WORDS and not _NOISE.search(sentence)
        if says_so and not is_repeated(sentence):
            return _cut(sentence)
    subject = sentences[0] if sentences else ""
    says_why = _WHY.search(subject) and len(subject.split()) >= _FEWEST_WORDS
    mends = _FIX.search(subject) and len(_REFERENCE.sub(" ", subject).split()) >= _FIX_WORDS
    return _cut(subject) if (says_why or mends) and not _NOISE.search(subject) else None


def _cut(sentence: str) -> str:
    return sentence if len(sentence) <= _MOST_CHARS else sentence[:_MOST_CHARS].rsplit(None, 1)[0] + " …"
