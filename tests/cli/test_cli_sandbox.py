"""`sandbox` as it is started by hand."""

from __future__ import annotations

import socket

from click.testing import CliRunner

from hedge_service.cli import main


def test_a_port_in_use_is_no_wrong_use() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = CliRunner().invoke(main, ["sandbox", "--port", str(taken.getsockname()[1])])
    assert done.exit_code == 1
    assert "address already in use" in done.output
    assert "docs/errors.md#port_in_use" in done.output


def test_a_host_that_is_not_loopback_is_wrong_use() -> None:
    done = CliRunner().invoke(main, ["sandbox", "--host", "0.0.0.0", "--port", "0"])  # noqa: S104 - refused
    assert done.exit_code == 2
