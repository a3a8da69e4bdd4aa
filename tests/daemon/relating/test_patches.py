from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ail_daemon.relating.patches import is_telling, parse_patch

RENAMED = """diff --git a/old name.py b/new name.py
similarity index 90%
rename from old name.py
rename to new name.py
index 1..2 100644
--- a/old name.py\t
+++ b/new name.py\t
@@ -3 +3,2 @@ def f():
-    first line that goes
+    a line that comes
+    and another one
\\ No newline at end of file
"""
DECEIVING = """diff --git a/x.sql b/x.sql
--- a/x.sql
+++ b/x.sql
@@ -1,2 +1 @@
--- a/not/a/file
-diff --git a/no b/no
+++ b/none/either
diff --git a/y.py b/y.py
deleted file mode 100644
--- a/y.py
+++ /dev/null
@@ -1 +0,0 @@
-gone
"""


def test_a_rename_has_both_names_and_its_lines_their_places() -> None:
    (change,) = parse_patch(RENAMED)
    assert (change.old_path, change.path) == ("old name.py", "new name.py")
    assert change.removed == ["first line that goes"]
    assert change.added == ["a line that comes", "and another one"]
    assert change.at == {"first line that goes": 3, "a line that comes": 3, "and another one": 4}


def test_a_line_that_looks_like_a_header_stays_a_line() -> None:
    first, second = parse_patch(DECEIVING)
    assert first.path == "x.sql"
    assert first.removed == ["-- a/not/a/file", "diff --git a/no b/no"]
    assert first.added == ["++ b/none/either"]
    assert (second.path, second.is_gone, second.removed) == ("y.py", True, ["gone"])


def test_quoted_names_are_read_as_git_stores_them() -> None:
    patch = 'diff --git "a/\\303\\244 \\"q\\"\\n.py" "b/\\303\\244 \\"q\\"\\n.py"\nBinary files differ\n'
    assert [(one.old_path, one.path) for one in parse_patch(patch)] == [('ä "q"\n.py', 'ä "q"\n.py')]


def test_bytes_that_are_no_utf8_stay_what_they_are() -> None:
    (change,) = parse_patch('diff --git "a/\\377.py" "b/\\377.py"\nBinary files differ\n')
    assert change.path == "\udcff.py"


def test_a_name_with_blanks_that_changes_mode_alone_is_read_whole() -> None:
    patch = "diff --git a/b b/c d b/b b/c d\nold mode 100644\nnew mode 100755\n"
    assert [one.path for one in parse_patch(patch)] == ["b b/c d"]


def test_a_line_in_other_words_is_edited_and_one_that_goes_is_not() -> None:
    hunk = "@@ -1,2 +1 @@\n-the old words of this line\n-something else entirely\n+the new words of this line\n"
    patch = f"diff --git a/x b/x\n{hunk}"
    assert parse_patch(patch)[0].edited == {"the old words of this line"}


def test_what_looks_like_a_key_is_not_kept() -> None:
    patch = "diff --git a/x b/x\n@@ -0,0 +1 @@\n+TOKEN = ghp_0123456789abcdef0123456789abcdef0123\n"
    assert parse_patch(patch)[0].added == ["TOKEN ="]


def test_common_lines_tell_nothing() -> None:
    assert not any(map(is_telling, ("", "else:", "return None", "}", "    pass", "import os", "=============")))
    assert is_telling("connection = pool.take_idle(host)")


@given(st.lists(st.sampled_from([*RENAMED.splitlines(), *DECEIVING.splitlines(), "@@ -1,99 +1,99 @@", '--- "a/\\'])))
def test_lines_in_any_order_are_parsed(lines: list[str]) -> None:
    for change in parse_patch("\n".join(lines)):
        assert all(number >= 1 for number in change.at.values())


@given(st.text(max_size=300))
def test_any_text_is_parsed(text: str) -> None:
    parse_patch(text)
    parse_patch(f"diff --git {text}\n--- {text}\n+++ {text}\n@@ -1 +1 @@\n{text}")
