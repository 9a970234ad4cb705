"""What `restore` puts back, when one log is configured while another is in force."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING

import structlog

from hedge_service.logs import Redactor, configure_logging, get_logger
from tests.logs.conftest import MOMENT

if TYPE_CHECKING:
    from tests.logs.conftest import Log


def test_the_log_that_was_in_force_before_is_in_force_again(log: Log) -> None:
    logger = get_logger()
    inner = io.StringIO()
    configured = configure_logging(inner, Redactor(), lambda: MOMENT)
    logger.info("inner.told")
    configured.restore()
    logger.info("outer.told")
    logging.getLogger("a.library").warning("outer, too")
    assert "inner.told" in inner.getvalue()
    assert [line["event"] for line in log.lines] == ["outer.told", "log.emitted"]


def test_where_none_was_in_force_there_is_none_again() -> None:
    structlog.reset_defaults()
    configure_logging(io.StringIO(), Redactor(), lambda: MOMENT).restore()
    assert not structlog.is_configured()
