from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, cast

from hedge_service.logs import Sink

if TYPE_CHECKING:
    import pytest


class FullDisk(io.RawIOBase):
    """A disk that takes a few bytes of a line, then none, until it is freed."""

    def __init__(self) -> None:
        self.content = b""
        self.room = 10_000

    def writable(self) -> bool:
        return True

    def write(self, data: memoryview) -> int:  # type: ignore[override]
        if self.room == 0:
            raise OSError(28, "No space left on device")
        taken = bytes(data[: self.room])
        self.content += taken
        self.room -= len(taken)
        return len(taken)


def _dropped(count: int) -> bytes:
    return f'{{"dropped":{count}}}\n'.encode()


def _over(disk: FullDisk) -> Sink:
    return Sink(io.TextIOWrapper(io.BufferedWriter(cast("io.RawIOBase", disk))), _dropped)


def test_a_line_is_out_at_once() -> None:
    disk = FullDisk()
    _over(disk).write(b'{"a":1}\n')
    assert disk.content == b'{"a":1}\n'


def test_a_full_disk_drops_lines_and_tells_how_many_once_it_is_freed() -> None:
    disk = FullDisk()
    sink = _over(disk)
    sink.write(b'{"a":1}\n')
    disk.room = 3
    sink.write(b'{"b":2}\n')
    sink.write(b'{"c":3}\n')
    assert sink.dropped == 2
    disk.room = 10_000
    sink.write(b'{"d":4}\n')
    sink.write(b'{"e":5}\n')
    assert disk.content == b'{"a":1}\n{"b\n{"dropped":2}\n{"d":4}\n{"e":5}\n'
    assert sink.dropped == 0


def test_a_closed_stream_raises_nothing() -> None:
    stream = io.StringIO()
    sink = Sink(stream, _dropped)
    stream.close()
    sink.write(b"{}\n")
    assert sink.dropped == 1


def test_a_pipe_whose_reader_died_raises_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream:
        sink = Sink(stream, _dropped)
        os.close(reader)
        for _ in range(3):
            sink.write(b"{}\n")
        assert sink.dropped == 3
        stream.write("left over")  # would fail at close, had the pipe not been put aside
    assert capsys.readouterr().err.count("log.closed") == 1


def test_lines_of_many_threads_are_never_torn() -> None:
    reader, writer = os.pipe()
    line = json.dumps({"text": "x" * 3_000}).encode() + b"\n"
    read: list[str] = []
    with os.fdopen(reader) as source, os.fdopen(writer, "w") as stream:
        sink = Sink(stream, _dropped)

        def write() -> None:
            for _ in range(50):
                sink.write(line)

        threads = [threading.Thread(target=write) for _ in range(8)]
        for thread in threads:
            thread.start()
        read = [source.readline() for _ in range(400)]
        for thread in threads:
            thread.join()
    assert {text.encode() for text in read} == {line}


PROGRAM = """
import sys
from datetime import UTC, datetime
from hedge_service.logs import Redactor, configure_logging, get_logger
configure_logging(sys.stdout, Redactor(["hunter2hunter2"]), lambda: datetime(2026, 1, 1, tzinfo=UTC))
get_logger().info("service.started", title="caf\\u00e9", key="hunter2hunter2")
sys.stdin.readline()
for _ in range(100):
    get_logger().info("order.sent", padding="x" * 2000)
print("an order went out", file=sys.stderr)
if "crash" in sys.argv:
    raise ValueError("hunter2hunter2")
"""


def _start(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )


def test_a_process_whose_log_reader_dies_goes_on_and_exits_cleanly() -> None:
    with _start() as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        first = json.loads(process.stdout.readline())
        process.stdout.close()
        process.stdin.write(b"\n")
        process.stdin.close()
        told = process.stderr.read().decode()
        assert process.wait() == 0
    assert first["title"] == "caf\u00e9"
    assert "an order went out" in told
    assert told.count("log.closed") == 1
    assert "Traceback" not in told


def test_a_process_that_crashes_tells_it_in_one_line_on_standard_output() -> None:
    with _start("crash") as process:
        out, err = process.communicate(b"\n")
    assert process.returncode == 1
    lines = [json.loads(line) for line in out.splitlines()]
    assert len(lines) == 102
    assert lines[-1]["exception_type"] == "ValueError"
    assert err == b"an order went out\n"
    assert b"hunter2" not in out
