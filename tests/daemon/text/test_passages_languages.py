"""A comment in each language becomes the same passage; what stands beside it does not."""

from __future__ import annotations

import pytest

from ail_daemon.text.paragraphs import is_parameter_field
from ail_daemon.text.passages import FileChange, Hunk, Passage, find_passages

SAID = "We wait here because the peer may still send its last frame."

COMMENTS = {
    "a.c": "/* {0} */\nint x = 1;",
    "b.c": "/*\n * We wait here because the peer\n * may still send its last frame.\n */\nint x;",
    "a.cpp": "  // {0}\n  return x;",
    "a.h": "int x; /* {0} */",
    "A.java": "/**\n * {0}\n *\n * @return x\n */",
    "a.js": "const x = 1 // {0}",
    "a.tsx": "{{/* {0} */}}",
    "a.go": "// We wait here because the peer\n// may still send its last frame.\nfunc x() {{",
    "a.rs": "/// {0}\nfn x() {{}}",
    "b.rs": "//! {0}",
    "A.swift": "/// {0}",
    "a.kt": "/* {0} */",
    "A.scala": "// {0}",
    "A.cs": "/// {0}",
    "a.dart": "/// {0}",
    "a.zig": "//! {0}",
    "a.css": ".x {{ color: red; /* {0} */ }}",
    "a.proto": "// {0}",
    "a.py": "x = 1  # {0}",
    "b.py": "# We wait here because the peer\n# may still send its last frame.",
    "a.sh": "#!/bin/sh\n# {0}",
    "a.yml": "key: value  # {0}",
    "a.toml": "# {0}",
    "Makefile": "# {0}\nall: x",
    "Dockerfile": "RUN x # {0}",
    "CMakeLists.txt": "# {0}",
    "a.rb": "=begin\n{0}\n=end",
    "a.pl": "# {0}",
    "b.pl": "=pod\n\n{0}\n\n=cut",
    "a.php": "# {0}",
    "a.tf": "# {0}",
    "a.ps1": "<#\n{0}\n#>",
    "a.sql": "-- {0}\nSELECT 1;",
    "a.lua": "--[[ {0} ]]",
    "a.hs": "{{- {0} -}}",
    "b.hs": "-- | {0}",
    "a.elm": "-- {0}",
    "a.ml": "(* {0} *)",
    "a.pas": "{{ {0} }}",
    "a.el": ";; {0}",
    "a.clj": "; {0}",
    "a.asm": "; {0}",
    "a.erl": "%% {0}",
    "a.tex": "% {0}",
    "a.f90": "! {0}",
    "a.vb": "' {0}",
    "a.bat": "REM {0}",
    "configure.ac": "dnl {0}",
    "a.vim": '" {0}',
    "a.ex": '@doc """\n{0}\n"""',
    "a.jl": '"""\n{0}\n"""',
    "a.graphql": '"""{0}"""',
    "a.html": "<!-- {0} -->",
    "a.xml": "<!--\n  {0}\n-->",
    "a.vue": "<!-- {0} -->",
    "a.jinja": "{{# {0} #}}",
    "a.rst": ".. {0}",
    "script": "# {0}",
}


def read(path: str, text: str, start: int = 10) -> list[Passage]:
    return find_passages([FileChange(path, [Hunk(start, start, [], text.split("\n"))])])


@pytest.mark.parametrize("path", COMMENTS)
def test_a_comment_is_found_without_its_markers(path: str) -> None:
    assert [one.text for one in read(path, COMMENTS[path].format(SAID))] == [SAID]


@pytest.mark.parametrize(
    "path", ["a.json", "a.csv", "LICENSE", "AUTHORS", "package.min.js", "a.svg", "yarn.lock", "a.po"]
)
def test_data_and_licences_are_not_read(path: str) -> None:
    assert read(path, f"# {SAID}\n// {SAID}\n{SAID}") == []


def test_a_language_without_comments_has_none() -> None:
    assert read("a.c", "int main(void) {\n    return strlen(argv[0]) + 1;\n}") == []


@pytest.mark.parametrize(
    "code",
    [
        'url = "https://example.org/a # not a comment at all here"',
        'printf("// this is not a comment at all");',
        "x = 'a -- b c d e f g'",
    ],
)
def test_a_marker_in_a_string_begins_no_comment(code: str) -> None:
    assert read("a.py", code) == []
    assert read("a.c", code) == []
    assert read("a.sql", code) == []


def test_the_line_is_the_first_of_the_passage() -> None:
    found = read("a.go", f"x := 1\n\n// {SAID}\n//\n// Otherwise it would be lost for good.")
    assert [(one.line, one.kind) for one in found] == [(12, "comment"), (14, "comment")]


def test_comments_behind_code_stay_apart_unless_a_sentence_goes_on() -> None:
    found = read("a.toml", '"A", # Set the expected exception here\n"B", # Useless mark without any parameters')
    assert [one.text for one in found] == ["Set the expected exception here", "Useless mark without any parameters"]
    found = read("a.c", "int a; // the first of the two\nint b; // that the caller must free")
    assert [one.text for one in found] == ["the first of the two that the caller must free"]


def test_a_list_stays_with_the_sentence_that_announces_it() -> None:
    found = read(
        "a.py",
        "# the linter is quite broken here:\n# 1. it insists on this and has no option\n# 2. there is no way to turn it off",
    )
    assert [one.text.count("it") for one in found] == [3]
    found = read("a.py", "# Wait for the peer.\n# - it may still send a frame\n# - it may be gone by now")
    assert len(found) == 3


@pytest.mark.parametrize(
    ("text", "is_part"),
    [
        ("@param {string} path where the rules stand", True),
        ("\\return 0 or an error code", True),
        (":param path: where the rules stand", True),
        (":rtype: the list of rules", True),
        ("@deprecated it hides errors", False),
        ("@internal", False),
        ("returns the list of rules", False),
        ("parameter names are kept", False),
        (":class:`Rules` hold the paths", False),
    ],
)
def test_fields_of_parameters_and_results_are_told_from_what_is_written_of_code(text: str, is_part: bool) -> None:
    assert is_parameter_field(text) is is_part
