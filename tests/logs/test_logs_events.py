from __future__ import annotations

import asyncio
import logging
import sys
import threading
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from pydantic import SecretStr

from hedge_service.core.money import Count, Money, Price
from hedge_service.logs import REDACTED, get_logger, handle_loop_error, log_context
from hedge_service.logs.redact import digest

if TYPE_CHECKING:
    from tests.logs.conftest import Log

SECRET = "s3cr3t-value-of-an-operator"


class Side(Enum):
    BID = "bid"


class Word(StrEnum):
    ONE = "one"


@dataclass(frozen=True, kw_only=True)
class Fill:
    count: Count
    price: Price
    api_key: str


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError(SECRET)


def test_an_event_is_one_line_with_its_moment_level_and_name_first(log: Log) -> None:
    get_logger().info("order.sent", ticker="KX", attempt=1)
    assert log.text == (
        '{"timestamp":"2026-11-22T18:27:01.000250Z","level":"info","event":"order.sent",'
        '"ticker":"KX","attempt":1}\n'
    )


def test_each_level_has_its_name_and_debug_is_not_written(log: Log) -> None:
    logger = get_logger()
    logger.debug("a")
    logger.info("b")
    logger.warning("c")
    logger.error("d")
    logger.critical("e")
    assert [line["level"] for line in log.lines] == ["info", "warning", "error", "critical"]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Money.of("5"), "5.00"),
        (Money.of("0.0175"), "0.017500"),
        (Count.of("3"), "3.00"),
        (Price.of("0.56"), "0.5600"),
        (Decimal("1E+2"), "100"),
        (Decimal("0.90"), "0.90"),
        (datetime(2026, 1, 2, 5, tzinfo=timezone(timedelta(hours=2))), "2026-01-02T03:00:00.000000Z"),
        (datetime(2026, 1, 2, tzinfo=UTC).date(), "2026-01-02"),
        (timedelta(milliseconds=1500), "1.500000"),
        (Side.BID, "bid"),
        (Word.ONE, "one"),
        (True, True),
        (None, None),
        (1.5, 1.5),
        (float("nan"), "nan"),
        (2**70, str(2**70)),
        (b"body", "[4 bytes]"),
        (SecretStr(SECRET), "**********"),
        (ValueError("why"), "ValueError: why"),
        ([Money.of(1), (Side.BID,)], ["1.00", ["bid"]]),
        ({"a": {Side.BID: Money.of(1)}}, {"a": {"Side.BID": "1.00"}}),
        ("\ud800\x9b31m\u2028x\u202e", "\ufffd\ufffd31m\ufffdx\ufffd"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_values_have_one_fixed_form(log: Log, value: object, written: object) -> None:
    get_logger().info("order.sent", value=value)
    assert log.line["value"] == written


def test_a_value_class_is_written_field_by_field(log: Log) -> None:
    get_logger().info("order.filled", fill=Fill(count=Count.of(1), price=Price.of("0.5"), api_key=SECRET))
    assert log.line["fill"] == {"count": "1.00", "price": "0.5000", "api_key": REDACTED}


def test_a_value_that_cannot_be_printed_never_raises(log: Log) -> None:
    log.redactor.add(SECRET)
    loop: list[Any] = []
    loop.append(loop)
    get_logger().info("order.sent", value=Hostile())
    get_logger().info("order.sent", value=loop)
    assert log.lines[0]["event"] == "order.sent"
    assert log.lines[0]["unprintable"] == "RuntimeError"
    assert len(log.lines) == 2


def test_an_endless_text_is_cut_in_the_middle(log: Log) -> None:
    get_logger().info("webhook.rejected", body="a" * 50_000 + "z")
    assert len(log.line["body"]) < 17_000
    assert log.line["body"].endswith("z")
    assert "characters left out" in log.line["body"]


def test_a_field_cannot_take_the_place_of_the_head(log: Log) -> None:
    get_logger().info("a.b", timestamp="x", level="y")
    assert log.line["level"] == "info"
    assert (log.line["timestamp_"], log.line["level_"]) == ("x", "y")


def test_ids_of_the_context_are_in_every_event_inside_it(log: Log) -> None:
    with log_context(request_id="r1"):
        get_logger().info("a.b", x=1)
        with log_context(parlay_id="p1"):
            logging.getLogger("library").warning("c")
    get_logger().info("d.e")
    assert [(line.get("request_id"), line.get("parlay_id")) for line in log.lines] == [
        ("r1", None),
        ("r1", "p1"),
        (None, None),
    ]


async def test_tasks_keep_the_context_they_were_started_in(log: Log) -> None:
    async def work() -> None:
        get_logger().info("order.sent")

    async def parlay(name: str) -> None:
        with log_context(parlay_id=name):
            await asyncio.gather(work(), work())

    await asyncio.gather(parlay("p1"), parlay("p2"))
    assert sorted(line["parlay_id"] for line in log.lines) == ["p1", "p1", "p2", "p2"]


def test_an_exception_is_told_in_the_same_line_with_its_cause_and_without_locals(log: Log) -> None:
    def fail(key: str) -> None:
        try:
            int(key)
        except ValueError as error:
            raise LookupError("outer") from error

    try:
        fail("in" + "ner")
    except LookupError:
        get_logger().exception("loop.failed", step="intake")
    assert log.line["level"] == "error"
    assert log.line["exception_type"] == "LookupError"
    assert "ValueError: invalid literal" in log.line["exception"]
    assert "LookupError: outer" in log.line["exception"]
    assert log.text.count("inner'") == 1  # in the message alone: no frame tells its `key`


def test_records_of_libraries_go_through_the_same_renderer(log: Log) -> None:
    logging.getLogger("sqlalchemy.engine").warning("slow %s after %.1f s", "query", 1.5)
    assert log.line == {
        "timestamp": "2026-11-22T18:27:01.000250Z",
        "level": "warning",
        "event": "log.emitted",
        "logger": "sqlalchemy.engine",
        "message": "slow query after 1.5 s",
    }


def test_a_librarys_traceback_is_one_line(log: Log) -> None:
    logging.getLogger("aiohttp.server").error("Error handling request", exc_info=OSError("gone"))
    assert log.line["exception_type"] == "OSError"


def test_a_librarys_wrong_format_loses_nothing(log: Log) -> None:
    # straight to our handler: pytest's own ones, beside it, raise for such a record
    record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "%d items", ("three",), None)
    logging.getLogger().handlers[0].handle(record)
    assert log.line["message"] == "%d items"


@pytest.mark.parametrize("name", ["aiohttp.access", "httpx", "openai", "stripe"])
def test_libraries_that_tell_every_request_tell_warnings_only(log: Log, name: str) -> None:
    logging.getLogger(name).info("GET /")
    logging.getLogger(name).warning("odd")
    assert log.line["message"] == "odd"


def test_warnings_go_through_the_same_renderer(log: Log) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old way", DeprecationWarning, stacklevel=1)
    assert log.line["logger"] == "py.warnings"
    assert "DeprecationWarning: old way" in log.line["message"]


def test_uncaught_exceptions_go_through_the_same_renderer(log: Log) -> None:
    error = ValueError("crash")
    sys.excepthook(ValueError, error, None)
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert log.line["level"] == "critical"
    assert log.line["logger"] == "process"
    assert log.line["exception_type"] == "ValueError"


def test_a_threads_uncaught_exception_goes_through_the_same_renderer(log: Log) -> None:
    def fail() -> None:
        raise ValueError("in a thread")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    assert log.line["logger"] == "thread"
    assert "in a thread" in log.line["exception"]


async def test_what_a_loop_could_raise_nowhere_goes_through_the_same_renderer(log: Log) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(handle_loop_error)
    loop.call_exception_handler({"message": "never retrieved", "exception": OSError("x"), "future": SECRET})
    loop.call_exception_handler({"message": "odd"})
    loop.set_exception_handler(None)
    first, second = log.lines
    assert (first["logger"], first["message"], first["exception_type"]) == (
        "asyncio",
        "never retrieved",
        "OSError",
    )
    assert SECRET not in log.text
    assert "exception" not in second


def test_a_secret_appears_in_no_line_however_it_got_there(log: Log) -> None:
    log.redactor.add(SECRET)
    logger = get_logger()
    logger.info(SECRET)
    logger.info("a.b", text=f"x{SECRET}y", nested={"a": [{"b": (SECRET, {SECRET})}], SECRET: 1})
    logger.info("a.b", error=ValueError(SECRET), headers={"Authorization": "Bearer abc", "x": SECRET})
    logger.info("a.b", **{SECRET: 1})
    logger.info("a.b", long="a" * 7_990 + SECRET + "b" * 20_000)
    logger.info("a.b", value=Fill(count=Count.of(1), price=Price.of(1), api_key="short"))
    with log_context(request_id=SECRET):
        logging.getLogger("x").warning("said %s", SECRET, extra={"more": SECRET})
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(SECRET, stacklevel=1)
    error = ValueError(SECRET)
    error.__cause__ = ExceptionGroup(SECRET, [KeyError(SECRET)])
    error.add_note(SECRET)
    logger.error("loop.failed", exc=error, exc_info=error)
    logging.getLogger("x").error("failed", exc_info=error)
    sys.excepthook(type(error), error, None)
    assert len(log.lines) == 11
    assert SECRET not in log.text
    assert not any(SECRET[start : start + 12] in log.text for start in range(len(SECRET) - 12))


class Credentials(NamedTuple):
    user: str
    api_key: str


@dataclass
class Shown:
    password: str

    def __repr__(self) -> str:
        return f"Shown(password={self.password!r})"


@pytest.mark.parametrize(
    "value",
    [
        [[("Authorization", "odd-scheme-value")]],
        [(b"X-API-KEY", b"odd-scheme-value")],
        ["Stripe-Signature", "odd-scheme-value"],
        {"HEADERS": {"x-api-KEY": "odd-scheme-value"}},
        {b"authorization": "odd-scheme-value"},
        {"deep": [{"deeper": ({"Client_Secret": ["odd-scheme-value"]},)}]},
        Credentials(user="ann", api_key="odd-scheme-value"),
        ValueError("login with password=odd-scheme-value failed"),
        ValueError(Shown("odd-scheme-value")),
        KeyError({"token": "odd-scheme-value"}),
        b"odd-scheme-value",
        bytearray(b"odd-scheme-value"),
        memoryview(b"odd-scheme-value"),
        "https://api.example.test/v1?api_key=odd-scheme-value",
    ],
)
def test_a_secret_nobody_told_of_is_hidden_by_its_name_in_odd_places(log: Log, value: object) -> None:
    get_logger().info("a.b", value=value)
    get_logger().error("a.b", exc_info=ValueError(f"token: {'odd-scheme-value'}"))
    assert "odd-scheme" not in log.text
    assert len(log.lines) == 2


def test_a_named_tuple_is_written_field_by_field(log: Log) -> None:
    get_logger().info("a.b", value=Credentials(user="ann", api_key="x1"))
    assert log.line["value"] == {"user": "ann", "api_key": REDACTED}


def test_a_line_that_wants_a_person_says_where_it_is_explained(log: Log) -> None:
    get_logger().warning("order.unknown", reason="timeout")
    get_logger().error("payment.parked", reason="price_drift")
    get_logger().critical("service.failed", reason="Address in use")
    assert [line.get("docs") for line in log.lines] == [
        None,
        "docs/errors.md#price_drift",
        "docs/errors.md#service_failed",
    ]


def test_a_bearer_id_in_a_librarys_message_becomes_its_digest(log: Log) -> None:
    user = "user_1700000000000_abc123xyz"
    logging.getLogger("aiohttp.server").warning("/api/parlay/%s", user)
    assert user not in log.text
    assert digest(user) in log.line["message"]
