"""Pages: templates with everything escaped, and what each of them is given."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

import jinja2
from aiohttp import web

from hedge_service.store import ops_changes, ops_records
from hedge_service.web.ops.keys import DESK, SESSION

if TYPE_CHECKING:
    from hedge_service.errors import Answer
    from hedge_service.web.ops.access import Notice
    from hedge_service.web.ops.keys import Desk

LIVE = "Hedge-Live"
"""Names a request that the page's own script makes: it uses up no notices and keeps no session alive."""
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
TONES = {
    "good": {"filled", "won", "executed", "agrees", "accepted", "done", "ready", "adds up"},
    "bad": {"parked", "failed", "refused", "mismatch", "unreadable", "charged_back", "none"},
    "doubt": {"unknown", "partial", "sending", "differs", "due", "put off"},
    "busy": {"planned", "resting", "open", "waiting"},
}


@cache
def environment() -> jinja2.Environment:
    """Make the templates' environment; a name that a template was not given is an error, never a gap."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("hedge_service.web.ops"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"age": age, "moment": moment, "clock": clock, "words": words, "tone": tone} | {
        "share": share,
        "dollars": dollars,
        "cents": cents,
    }
    return made


def age(duration_s: float | None) -> str:
    """Give a duration as people read it."""
    if duration_s is None:
        return "never"
    seconds = max(int(duration_s), 0)
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min"
    return f"{seconds // _HOUR} h" if seconds < _DAY else f"{seconds // _DAY} d"


def moment(iso: str | None) -> str:
    """Give a time as people read it, in UTC."""
    if iso is None:
        return "never"
    return f"{datetime.fromisoformat(iso).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def clock(iso: str | None) -> str:
    """Give a time of day, for lines of one story."""
    return "" if iso is None else f"{datetime.fromisoformat(iso).astimezone(UTC):%H:%M:%S.%f}"[:-3]


def words(name: object) -> str:
    """Write a name of ours as words."""
    return str(name).replace("_", " ").replace(".", " ")


def tone(word: str) -> str:
    """Say how a state looks: good, bad, in doubt, under way, or nothing special."""
    return next((name for name, states in TONES.items() if word in states), "plain")


def dollars(text: str) -> str:
    """Write an amount for people: to the cent, more only where there is more."""
    sign = "-" if text.startswith("-") else ""
    whole, _, rest = text.removeprefix("-").partition(".")
    kept = rest.rstrip("0")
    return f"{sign}${int(whole):,}.{kept.ljust(2, '0')}"


def cents(text: str) -> str:
    """Write an amount rounded to the cent, where many stand together."""
    return dollars(str(Decimal(text).quantize(Decimal("0.01"), ROUND_HALF_EVEN)))


def share(part: str | int, whole: str | int) -> int:
    """Give a share in whole percent, 100 at most."""
    all_of_it = Decimal(whole)
    return 100 if not all_of_it else max(min(int(Decimal(part) * 100 / all_of_it), 100), 0)


async def page(request: web.Request, template: str, *, status: int = 200, **context: Any) -> web.Response:
    """Give a page for a logged-in operator; notices of acts are shown once.

    Every template gets `frame` (mode, environment, halt), `operator`, `csrf`, `notices`, `path`, and what is
    passed here.
    """
    desk, session = request.app[DESK], request[SESSION]
    newest, seen, needs = await desk.database.read(
        lambda tx: (ops_records.newest_switch(tx), ops_changes.seen(tx), ops_changes.needs(tx))
    )
    halt = newest if newest is not None and newest.halted else None
    notices: list[Notice] = []
    if LIVE not in request.headers:
        notices, session.notices = session.notices, notices
    shown = {
        "frame": _frame(desk),
        "halt": None
        if halt is None
        else {"reason": halt.reason, "by": halt.actor, "at": halt.at.isoformat()},
        "operator": session.name,
        "csrf": session.csrf,
        "notices": notices,
        "path": request.path,
        "seen": seen,
        "needs": needs,
    } | context
    return html(desk, template, status=status, **shown)


def html(desk: Desk, template: str, *, status: int = 200, **context: Any) -> web.Response:
    """Give a page of a template."""
    text = desk.templates.get_template(template).render(**context)
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8")


def error_page(request: web.Request, answer: Answer, *, docs: str) -> web.Response:
    """Give the page that tells an error; it says no more than the answer for programs."""
    desk = request.app[DESK]
    # Who is not logged in learns nothing of the service, not even its mode.
    frame = _frame(desk) if SESSION in request else None
    response = html(desk, "error.html", status=answer.status, frame=frame, answer=answer, docs=docs)
    if answer.retry_after_s is not None:
        response.headers["Retry-After"] = str(answer.retry_after_s)
    return response


def _frame(desk: Desk) -> dict[str, str]:
    return {
        "mode": desk.config.mode.value,
        "environment": desk.config.kalshi.environment.value,
        "account": desk.account,
        "version": desk.version,
    }
