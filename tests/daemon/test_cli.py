"""The daemon's command line: what belongs to the client is named, not only refused."""

from __future__ import annotations

import pytest

from ail_daemon.cli import main


@pytest.mark.parametrize("command", ["stop", "status", "add"])
def test_a_command_of_the_client_is_refused_with_the_right_one(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command])
    assert ended.value.code == 2
    assert f"ail-client {command}\n" in capsys.readouterr().err
