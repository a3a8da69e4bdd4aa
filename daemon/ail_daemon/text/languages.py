"""Each language's comment markers, by file name. Data, and the lookup.

Hand-written: a lexer needs the whole file to know where a string begins, and of a diff only the changed lines are there
(docs/decisions/0015-passages-by-table.md).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Role = Literal["code", "docs", "changelog", "man", "none"]
"""What a file is read as: prose only between comment markers, prose throughout (Markdown, roff), or not at all."""


@dataclass(frozen=True, slots=True)
class Language:
    """The comment markers of one language. line: markers that reach to the end of the line. blocks: (opening, closing).

    docs: delimiters of docstrings, the same at both ends. at_start: blocks that only count at the beginning of a line.
    """

    line: tuple[str, ...] = ()
    blocks: tuple[tuple[str, str], ...] = ()
    docs: tuple[str, ...] = ()
    at_start: tuple[tuple[str, str], ...] = ()
    ignores_case: bool = False


_C_BLOCK = (("/*", "*/"),)
_HTML_BLOCK = (("<!--", "-->"),)
_QUOTES = ('"""', "'''")

C_LIKE = Language(("//",), _C_BLOCK)
HASH = Language(("#",))
PYTHON = Language(("#",), docs=_QUOTES)
_BOTH = Language(("//", "#"), _C_BLOCK)
_SEMICOLON = Language((";",))
_LISP = Language((";",), (("#|", "|#"),))
_PERCENT = Language(("%",))
_MARKUP = Language((), _HTML_BLOCK)
_COMPONENT = Language(("//",), (*_C_BLOCK, *_HTML_BLOCK))
_ML = Language((), (("(*", "*)"),))
_ASSEMBLY = Language((";", "//", "#", "@"), _C_BLOCK)

_BY_EXTENSION: dict[str, Language] = {
    extension: language
    for extensions, language in (
        ("c h cc cpp cxx hh hpp hxx ino cu m mm cs java js mjs cjs jsx ts tsx mts cts go rs swift kt kts scala sc dart", C_LIKE),
        ("groovy gradle proto zig v sv svh d fs fsx fsi sol glsl vert frag wgsl hlsl metal thrift idl jsonc json5", C_LIKE),
        ("css scss sass less styl y yy l ll rl re rei pkl qml vala ts.in as hx bicep typ", C_LIKE),
        ("py pyi pyx pxd pxi pyw bzl star bazel gyp gypi", PYTHON),
        ("sh bash zsh fish ksh yml yaml toml mk mak make cmake conf cfg ini properties service timer env dockerfile", HASH),
        ("awk sed tcl r nim cr gitignore gitattributes editorconfig desktop spec rules am in ac nginx eb", HASH),
        ("php tf tfvars hcl nix", _BOTH),
        ("rb rake gemspec ru podspec", Language(("#",), at_start=(("=begin", "=end"),))),
        ("pl pm t pod6 raku", Language(("#",), at_start=(("=pod", "=cut"), ("=head", "=cut"), ("=item", "=cut")))),
        ("ex exs jl coffee graphql gql", Language(("#",), docs=_QUOTES)),
        ("ps1 psm1 psd1", Language(("#",), (("<#", "#>"),))),
        ("sql ddl dml psql ada adb ads vhd vhdl elm dhall", Language(("--",), _C_BLOCK)),
        ("lua", Language(("--",), (("--[[", "]]"), ("--[=[", "]=]")))),
        ("hs lhs purs idr agda cabal", Language(("--",), (("{-", "-}"),))),
        ("ml mli mll mly v.in coq sml", _ML),
        ("pas pp dpr lpr inc.pas", Language(("//",), (("(*", "*)"), ("{", "}")))),
        ("lisp lsp cl el clj cljs cljc edn scm ss rkt", _LISP),
        ("asm nasm", _SEMICOLON),
        ("s S arm", _ASSEMBLY),
        ("erl hrl tex sty cls bib mat pro prolog ps", _PERCENT),
        ("f f90 f95 f03 f08 for", Language(("!",))),
        ("vb vbs bas frm vba", Language(("'", "REM "), ignores_case=True)),
        ("bat cmd", Language(("REM ", "::", "@REM "), ignores_case=True)),
        ("m4 autoconf", Language(("dnl ", "#"))),
        ("vim vimrc", Language(('"', "#"))),
        ("html htm xml xhtml xsd xsl xslt plist csproj vbproj fsproj props targets pom xaml axaml wxs ui", _MARKUP),
        ("vue svelte astro marko", _COMPONENT),
        ("jinja jinja2 j2 twig liquid njk", Language((), (("{#", "#}"), *_HTML_BLOCK))),
        ("erb ejs hbs mustache", Language((), (("<%#", "%>"), ("{{!--", "--}}"), *_HTML_BLOCK))),
    )
    for extension in extensions.split()
}  # fmt: skip

_BY_NAME: dict[str, Language] = {
    "makefile": HASH, "gnumakefile": HASH, "dockerfile": HASH, "containerfile": HASH, "vagrantfile": HASH, "gemfile": HASH,
    "rakefile": HASH, "cmakelists.txt": HASH, "build": PYTHON, "workspace": PYTHON, "sconstruct": PYTHON, "wscript": PYTHON,
    "meson.build": HASH, "meson_options.txt": HASH, "meson.options": HASH, "jenkinsfile": C_LIKE, "justfile": HASH,
    "configure.ac": Language(("dnl ", "#")), "procfile": HASH, "codeowners": HASH, ".gitignore": HASH, ".flake8": HASH,
    ".coveragerc": HASH, "pipfile": HASH, ".vimrc": Language(('"',)), "go.mod": C_LIKE, ".bazelrc": HASH, "brewfile": HASH,
    ".editorconfig": HASH, ".gitattributes": HASH, ".dockerignore": HASH, ".git-blame-ignore-revs": HASH,
}  # fmt: skip

_DOCS = frozenset(
    "md markdown mdx mkd rst rest adoc asciidoc asc org textile wiki mediawiki creole pod texi texinfo txt".split()  # noqa: SIM905
)
_DATA = frozenset(
    "json csv tsv svg png jpg jpeg gif ico pdf ipynb po pot mo lock sum map snap patch diff log out expected golden dat data"  # noqa: SIM905
    " html.in pem crt key cer der p12 pub asc.sig sig wasm bin gz zip xz tgz whl ttf woff woff2 eot mp3 mp4 mailmap".split()
)
_UNREAD_NAME = re.compile(
    r"^(?:licen[cs]e|copying|notice|authors?|contributors|credits|maintainers|owners|patents"
    r"|unlicense|eula|gpl|lgpl|mit"
    r"|third.?party.*|thanks|\.mailmap|requirements.*\.lock)(?:[.-][\w.-]*)?$|\.min\.\w+$"
    r"|[.-]bundle\.\w+$|_pb2|\.pb\.",
    re.IGNORECASE,
)
_CHANGELOG = re.compile(
    r"(?:^|/)(?:change(?:s|logs?|set)?|news|history|release[-_ ]?notes?|releases?|whats[-_]?new"
    r"|upgrading|migrat(?:ion|ing))"
    r"(?:[.-][\w.-]*)?$"
    r"|(?:^|/)(?:\.?changelogs?(?:\.d)?|\.?changesets?|\.?changes(?:\.d)?|news(?:fragments?|\.d)?"
    r"|newsfragments|topfiles"
    r"|releases?[-_]?notes?|whats[-_]?new|unreleased[\w.]*)/"
    r"|(?:^|/)(?:whatsnew|changelog|changes|migration)[_-][\w.]+$|(?:^|/)(?:blog|announce)/|(?:^"
    r"|/)\d+\.(?:feature|bugfix|doc|"
    r"misc|removal|deprecation|breaking|packaging|contrib|improvement)(?:\.\d+)?(?:\.rst|\.md)?$",
    re.IGNORECASE,
)
_TEST = re.compile(
    r"(?:^|/)(?:tests?|testing|testsuite|__tests__|specs?|e2e)/"
    r"|(?:^|/)(?:test_[^/]*|[^/]*[_.-](?:tests?|spec)\.\w+|[^/]*Tests?\.\w+|conftest\.py)$"
)
_TEMPLATES = re.compile(r"(?:^|/)\.?(?:github|gitlab)/(?:.*/)?[^/]*template", re.IGNORECASE)
_MAN = re.compile(r"\.(?:[1-9]|[1-8][a-z]|mdoc|man|roff|troff)$")
_ANY = Language(("#", "//"), _C_BLOCK)


@lru_cache(maxsize=4096)
def find_role(path: str) -> Role:
    """Return what the file at *path* is read as; "none" for licences, names, data and pictures."""
    name = path.rsplit("/", 1)[-1].lower()
    extension = _get_extension(name)
    if _UNREAD_NAME.search(name) or extension in _DATA or _TEMPLATES.search(path):
        return "none"
    is_prose = extension in _DOCS or not extension or name[0].isdigit() or extension.isdigit()
    if is_prose and name not in _BY_NAME and not name.startswith("requirements") and _CHANGELOG.search(path):
        return "changelog"
    if extension in _DOCS and name not in _BY_NAME and not name.startswith(("requirements", "constraints")):
        return "docs"
    if _MAN.search(name):
        return "man"
    is_page = not extension and name not in _BY_NAME and path.rsplit("/", 1)[-1].isupper()  # README, INSTALL, HACKING
    return "docs" if is_page else "code"


@lru_cache(maxsize=4096)
def find_language(path: str) -> Language:
    """Return the comment markers of the file at *path*; `#`, `//` and `/* */` for an unknown name."""
    name = path.rsplit("/", 1)[-1].lower()
    if name in _BY_NAME:
        return _BY_NAME[name]
    if name.startswith(("requirements", "constraints", "dockerfile.", "makefile.")):
        return HASH
    if name.endswith(".in"):
        name = name[:-3] if _get_extension(name[:-3]) in _BY_EXTENSION else name
    return _BY_EXTENSION.get(_get_extension(name), _ANY)


@lru_cache(maxsize=4096)
def is_test(path: str) -> bool:
    """Whether the file at *path* holds tests."""
    return bool(_TEST.search(path))


def _get_extension(name: str) -> str:
    stem, dot, extension = name.rpartition(".")
    return extension if dot and stem else ""
