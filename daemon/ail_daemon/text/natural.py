"""Whether a text is natural language: not code, not a licence, not a pragma, not data. Pure; linear in the text's length."""

from __future__ import annotations

import re

FEWEST_WORDS = 4
_FEWEST_CHARS = 10  # of scripts that write no spaces
_MOST_BARE = 14  # words in a row without a function word: a list of names

_WORDS = re.compile(
    r"(?<!\S)[(\[\"'`*_\u201c\u2018<]{0,3}([^\W\d_]+(?:['\u2019/-][^\W\d_]+)*)"
    r"[)\]\"'`*_\u201d\u2019>]{0,3}[.,;:!?\u2026]{0,3}(?!\S)"
)
_FOREIGN = re.compile(r"[^\W\d_A-Za-z]")
_LETTER = re.compile(r"[^\W\d_]")
_WITHOUT_SYMBOLS = str.maketrans("", "", "{}()[];=<>|&$@\\+*/%#~^_")
_MARKUP = re.compile(
    r"``?[^`\n]{1,200}``?|:[a-z:]{2,20}:`[^`\n]{1,200}`|https?://\S+|\]\([^)\s]{1,300}\)|<[^<>\n]{1,100}>`?_?"
)
_BINDING = frozenset(
    "the a an this that these those to of are be been was were we you it its they he she which who when should would could but"  # noqa: SIM905
    " because so also only can may must will has have had does doesn't don't isn't can't won't there our your their than then"
    " what how where why on at by into such any all some same more most very just still already now here being do did it's"
    " der die das und ist nicht ein eine wird werden mit auf den dem von zu le la les un une est pas des du et que qui pour"
    " el los las es una para por se lo como il che di per sono non gli het een van voor niet wordt um o os da com n\u00e3o para"
    " att det och som inte jest nie na si\u0119 aby".split()
)
"""Function words of sentences that are no words of code (`if`, `for`, `is`, `in`, `not`, `with`, `from`, `as` are)."""

_AROUND = ".,;:!?()\"'`*_"

_CODE_ALONE = re.compile(
    r"^\s*(?:[\w.\[\]\"'*&>-]{1,80}\s*(?:=|\+=|-=|:=|\|=)\s?[^=\s]"  # an assignment
    r"|[\w.:>!-]{1,80}\([^()]{0,200}\)[;,]?\s*$"  # a call
    r"|(?:>>>|\.\.\.|\$|\+|In \[\d*\]:|C:\\[^ ]*>)\s\S"
    r"|#\s*(?:include|define|if|ifdef|ifndef|endif|else|pragma|undef|import)\b"
    r"|(?:else|try|finally|do|begin|end|pass|break|continue|return|fi|done|esac)\s*[:;{]?\s*$"
    r"|(?:def|class|func|fn|async def|function|struct|enum|interface)\s[\w.]{1,80}\s*[(:{<]"
    r"|from [\w.]{1,80} import\b|import [\w.{*\"']{1,80}(?:,| as |;|\s*$)"
    r"|(?:public|private|protected|static|const|let|var|final|extern|unsigned|struct"
    r"|typedef)\s\w[\w<>\[\]*, ]{0,60}[=(;]"
    r"|for [\w, ()]{1,40} in [\w.(), ]{1,60}:"
    r"|(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE|ALTER|DROP|WITH)\s.{0,300}\b(?:FROM|VALUES"
    r"|SET|WHERE|TABLE|INDEX|AS)\b"
    r"|@\w[\w.]{0,60}(?:\(.{0,200}\))?\s*$"
    r"|</?\w[^>]{0,200}>\s*$"
    r"|[-\w.\"']{1,60}\s?:\s?[\[{\"'\d][^.]{0,100}$"
    r"|[\[{}\])(,;]+\s*$)"
)
_CODE_ENDS = (";", "{", "}", "\\", "&&", "||", "=>", "(")
_KEYWORDS = re.compile(
    r"^\W*(?:if|elif|else if|for|while|with|def|class|return|raise|assert|del|yield|except|import"
    r"|from|func|fn|let|const|var"
    r"|select|insert|update|create|switch|case|public|private|static|void|int|char|bool)\b"
)
_CODE_SIGN = re.compile(r"\w\(|[=!<>]=|\s=\s|\w\.[a-z_]\w*|\[\w|:$|->|['\"]\)?$")
_LICENCE = re.compile(
    r"SPDX-|\bcopyright:?(?:\s*(?:\(c\)|\u00a9|\d{4})|ed by|\s[^\n]{1,80}<[^<>\s]+@)|\u00a9\s*\d{4}|all rights reserved"
    r"|\b(?:MIT|BSD|ISC|Apache) licensed\b"
    r"|permission is hereby granted"
    r"|permission to use, copy, modify|licensed under (?:the|your)|under the terms of the|redistribution and use in source"
    r"|without warranty of any kind|warranties or conditions of any kind|general public licen[cs]e"
    r"|released under (?:the )?\w+ licen[cs]e"
    r"|use of this source code is governed|this file is part of|see the (?:file )?licen[cs]e|licen[cs]e, version \d"
    r"|\"as is\"|licen[cs]e for (?:more|the specific)|for license information|apache\.org/licenses"
    r"|found in the LICENSE",
    re.IGNORECASE,
)
_LICENCE_MARKS = (
    "copyright",
    "\u00a9",
    "licen",
    "spdx",
    "permission",
    "rights reserved",
    "warrant",
    "redistribution",
    '"as is"',
)
"""Every licence's head has one of them: cheaper to find than the forms."""

_PRAGMA = re.compile(
    r"\W*(?:noqa|type:\s*ignore|pragma[:\s]|pylint\s*:|flake8|mypy:|pyright:|ruff:|isort:|yapf:"
    r"|fmt:\s*(?:on|off|skip)|nosec"
    r"|bandit|codespell|eslint|jshint|jslint|tslint|prettier-ignore|stylelint|istanbul|c8 ignore"
    r"|v8 ignore|@ts-|biome-ignore"
    r"|clang-format|clang-tidy|nolint|go:\w|\+build|lint:ignore|gosec|rubocop|shellcheck|hadolint|checkstyle"
    r"|coding[:=]|-\*-|vim?:|ex:|kate:|emacs|local variables|end:|sourcemappingurl|region|endregion"
    r"|!\[|swiftlint|ktlint"
    r"|noinspection|@formatter|spell-checker|cspell|\[\[?yes|#nosec|\$(?:id|openbsd|netbsd|freebsd"
    r"|revision|date|author)\b)"
)
"""For text in lower case: a case-insensitive pattern is several times as slow."""

_BEHIND_PRAGMA = re.compile(r"\s(?:--?|#|//|\u2013|\u2014)\s+(\w.*)")
_SECRET = re.compile(r"ssh-(?:rsa|ed25519|dss) ")
_GENERATED = re.compile(
    r"@generated|do not (?:edit|modify)\b|code generated by|auto-?\s?generated|(?:file|code) (?:is"
    r"|was) (?:automatically |auto)?"
    r"generated|generated by (?:\w+ )?(?:protoc|swig|cython|bison|flex|autoconf|automake|yacc"
    r"|pip-compile|thrift|ANTLR)",
    re.IGNORECASE,
)


def is_too_short(line: str) -> bool:
    """Whether *line* alone is surely too short for natural language: a quick test, true of most lines."""
    return line.isascii() and len(line.split(None, FEWEST_WORDS)) < FEWEST_WORDS and not _may_have_markup(line)


def is_natural(text: str) -> bool:
    """Whether *text*, its lines joined, is natural language of at least four words."""
    bare = _MARKUP.sub(" x ", text) if _may_have_markup(text) else text
    if not bare.isascii() and len(_FOREIGN.findall(bare)) >= _FEWEST_CHARS:
        return 5 * _count_symbols(bare) <= len(_LETTER.findall(bare))
    words = _WORDS.findall(bare.lower())
    if len(words) < FEWEST_WORDS or _PRAGMA.match(text.lower()):
        return False
    share = len(words) / len(bare.split())
    binding = sum(map(_BINDING.__contains__, words))
    if binding:
        return share >= (0.5 if binding > 1 else 0.6) and 7 * _count_symbols(bare) <= len(bare)
    if len(words) > _MOST_BARE or bare.rstrip().endswith(_CODE_ENDS) or _KEYWORDS.match(text):
        return False
    return share >= 0.75 and 25 * _count_symbols(bare) <= len(bare)


def _may_have_markup(text: str) -> bool:
    return "`" in text or "://" in text or "<" in text or "](" in text


def _count_symbols(text: str) -> int:
    return len(text) - len(text.translate(_WITHOUT_SYMBOLS))


def is_sentence(text: str) -> bool:
    """Whether *text* is surely natural language, by its words alone: two are function words."""
    if not is_natural(text):
        return False
    bound = sum(word.strip(_AROUND).lower() in _BINDING for word in text.split())
    return not text.isascii() or (bound > 1 and 12 * _count_symbols(text) <= len(text))


def is_code_line(line: str) -> bool:
    """Whether one line of a comment or a page is surely code, and to be left out of the text around it."""
    if _CODE_ALONE.match(line):
        return True
    if line.rstrip().endswith(_CODE_ENDS) or (_KEYWORDS.match(line) and _CODE_SIGN.search(line)):
        return not is_natural(line)
    return False


def is_pragma(line: str) -> bool:
    """Whether a comment is for a tool: `noqa`, `eslint-disable`, an editor's mode line."""
    return (
        line.startswith("!/")
        or bool(_PRAGMA.match(line.lower()))
        or ("noqa" in line and not is_natural(line.partition("noqa")[0]))
    )


def without_pragma(line: str) -> str:
    """Return *line*, or of a pragma the words after its dash or second marker, "" for none."""
    if not is_pragma(line):
        return line
    behind = _BEHIND_PRAGMA.search(line)
    return behind[1] if behind and behind[1].count(" ") >= FEWEST_WORDS - 2 else ""


def is_licence(text: str) -> bool:
    """Whether *text* has the words of a licence's head; then its comment says nothing else."""
    low = text.lower()
    return any(map(low.__contains__, _LICENCE_MARKS)) and bool(_LICENCE.search(text))


def is_secret(text: str) -> bool:
    """Whether *text* begins a key of many lines: `without_secrets` removes keys of one."""
    return "-----BEGIN" in text or ("ssh-" in text and bool(_SECRET.search(text)))


def is_generated(text: str) -> bool:
    """Whether the first lines of a file say that a program wrote it."""
    low = text.lower()
    return ("generated" in low or "do not " in low) and bool(_GENERATED.search(text))
