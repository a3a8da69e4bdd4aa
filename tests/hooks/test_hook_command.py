from __future__ import annotations

import pytest

from ail_hooks.cli import main


def test_run_exits_0_and_stays_silent_whatever_the_hook(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "post-commit", "--anything"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("command", ["install", "uninstall", "status"])
def test_what_is_not_there_yet_says_so_and_exits_69(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command]) == 69
    out, err = capsys.readouterr()
    assert out == ""
    assert "not there yet" in err


def test_an_unknown_command_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dance"]) == 2
    assert "usage" in capsys.readouterr().err
