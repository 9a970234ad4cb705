from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from hedge_service.core.exposure import MarketFacts
from hedge_service.core.ledger import Position
from hedge_service.core.market import Side
from hedge_service.core.money import Count, Money
from hedge_service.store import claims, market_facts, positions
from tests.store.parlay_samples import NOW, TICKERS, put_parlay

if TYPE_CHECKING:
    import pytest
    from sqlalchemy.engine import Connection

    from tests.cli.ops_desk import Desk


def put_exposed(tx: Connection) -> None:
    """Store an open parlay that pays 30, with three contracts of its first leg, and their markets' facts."""
    market_facts.learn(tx, [fact(ticker, exclusive=ticker == TICKERS[0]) for ticker in TICKERS])
    claims.date_parlay(tx, put_parlay(tx).id, TICKERS)
    held = Position(side=Side.YES, count=Count.of(3), cost=Money.of(2))
    positions.put(tx, TICKERS[0], held)


def fact(ticker: str, *, exclusive: bool) -> MarketFacts:
    return MarketFacts(
        ticker=ticker,
        event_ticker=ticker.rsplit("-", 1)[0],
        exclusive=exclusive,
        expires_at=NOW + timedelta(days=1),
    )


def test_with_nothing_open_it_says_what_to_do_next(desk: Desk) -> None:
    said = desk.ok("exposure")
    assert "Nothing is exposed" in said
    assert "hedge-service status" in said
    body = desk.json("exposure")
    assert (body["events"], body["days"]) == ([], [])
    assert body["caps"] == {"market": "5000.00", "event": "5000.00", "day": "5000.00"}


def test_programs_read_every_figure_as_an_exact_text(desk: Desk) -> None:
    desk.do(put_exposed)
    body = desk.json("exposure")
    assert body["days"] == [{"day": "2026-11-23", "exposure_dollars": "30.00"}]
    assert [event["event_ticker"] for event in body["events"]] == ["KXB-1", "KXC-1", "KXA-1"]
    assert body["events"][-1] == {
        "event_ticker": "KXA-1",
        "mutually_exclusive": True,
        "payouts_dollars": "30.00",
        "exposure_dollars": "27.00",
        "markets": [
            {
                "ticker": "KXA-1-SEA",
                "yes_payouts_dollars": "30.00",
                "no_payouts_dollars": "0.00",
                "yes_contracts": "3.00",
                "no_contracts": "0.00",
                "exposure_dollars": "27.00",
            }
        ],
    }


def test_people_see_use_against_the_caps_and_which_are_past(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    desk.do(put_exposed)
    limits = {"LIMITS__MAX_MARKET_EXPOSURE_DOLLARS": "28", "LIMITS__MAX_DAY_EXPOSURE_DOLLARS": "60"}
    said = desk.ok("exposure", **limits)
    lines = {line.split()[0]: line.split()[1:] for line in said.splitlines() if line.strip()}
    assert lines["KXA-1-SEA"] == ["30.00", "0.00", "3.00", "yes", "27.00", "28.00", "96", "%"]
    assert lines["KXB-1-BOS"] == ["30.00", "0.00", "30.00", "28.00", "107", "%", "PAST"]
    assert lines["2026-11-23"] == ["30.00", "60.00", "50", "%"]


def test_without_a_database_it_ends_with_1_and_says_so(desk: Desk) -> None:
    result = desk.run("exposure", url=f"{desk.url}.not-there")
    assert result.exit_code == 1
    assert "there is no database" in result.output
