"""Pages for people: each asks for a session, and every act for the session's own CSRF token."""

from __future__ import annotations

import re
from importlib import resources
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote

from aiohttp import web

from hedge_service.errors import BadRequest, Forbidden, HedgeError, NotAuthenticated, NotFound, TooMany
from hedge_service.web.ops import guards, live, render, views
from hedge_service.web.ops.access import COOKIE, Notice, same_secret
from hedge_service.web.ops.acts import BY_NAME
from hedge_service.web.ops.keys import DESK, OPERATOR, SESSION
from hedge_service.web.replies import read_body

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hedge_service.web.ops.access import Session

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HOME, LOGIN, LIVE = "/ops", "/ops/login", "/ops/live"
MAX_FORM_BYTES = 16 * 1024
_OWN_PATH = re.compile(r"/ops(/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)*/?(\?[A-Za-z0-9_.~=&%-]*)?", re.ASCII)
_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def routes() -> list[web.RouteDef]:
    """Give every address of the pages. Only the form, its target and the style are open."""
    return [
        web.get("/", _go_home),
        web.get("/ops/static/{name}", _static),
        web.get(LOGIN, _login_form),
        web.post(LOGIN, _login),
        web.post("/ops/logout", _for_operators(_logout)),
        web.post("/ops/acts/{name}", _for_operators(_act)),
        *(web.get(path, _for_operators(handler)) for path, handler in PAGES),
        # Asked for its head alone, a stream would write nothing, and so never learn that nobody listens.
        web.get(LIVE, _for_operators(live.stream), allow_head=False),
    ]


# A further page is a handler and a template.
PAGES: tuple[tuple[str, Handler], ...] = (
    (HOME, views.overview),
    ("/ops/parlays", views.parlays),
    ("/ops/parlays/{parlay_id}", views.parlay),
    ("/ops/orders", views.orders),
    ("/ops/payments", views.payments),
    ("/ops/inbox", views.inbox),
    ("/ops/money", views.money),
    ("/ops/exposure", views.exposure),
    ("/ops/reconciliations", views.reconciliations),
    ("/ops/audit", views.audit),
    ("/ops/plots/profit.svg", views.profit_plot),
    ("/ops/plots/strategies.svg", views.strategy_plot),
)


def _for_operators(handler: Handler) -> Handler:
    async def checked(request: web.Request) -> web.StreamResponse:
        # A page that fetches itself anew is not a person who uses it.
        used = render.LIVE not in request.headers and request.path != LIVE
        session = request.app[DESK].sessions.find(request.cookies.get(COOKIE), touch=used)
        if session is None and request.method in ("GET", "HEAD"):
            raise web.HTTPSeeOther(f"{LOGIN}?next={quote(request.path_qs, safe='')}")
        if session is None:
            raise NotAuthenticated("You are not logged in", "Log in and do it again: nothing was changed.")
        request[SESSION], request[OPERATOR] = session, session.name
        return await handler(request)

    return checked


async def _go_home(_request: web.Request) -> web.Response:
    raise web.HTTPSeeOther(HOME)


async def _static(request: web.Request) -> web.Response:
    """Give one of the package's own files; names with anything but letters and a dot are none."""
    name = request.match_info["name"]
    kind = _KINDS.get(f".{name.rpartition('.')[2]}")
    if kind is None or re.fullmatch(r"[a-z_]+\.[a-z]+", name) is None:
        raise NotFound("No such file")
    file = resources.files("hedge_service.web.ops") / "static" / name
    if not file.is_file():
        raise NotFound("No such file")
    return web.Response(body=file.read_bytes(), content_type=kind, charset="utf-8")


async def _login_form(request: web.Request) -> web.Response:
    desk = request.app[DESK]
    if desk.sessions.find(request.cookies.get(COOKIE)) is not None:
        raise web.HTTPSeeOther(_back(request.query.get("next")))
    return render.html(desk, "login.html", frame=None, next=_back(request.query.get("next")), refused=None)


async def _login(request: web.Request) -> web.Response:
    desk, form = request.app[DESK], await _form(request)
    caller = guards.caller_at(request, desk.config)
    try:
        name = desk.login.enter(form.get("token", "").strip(), caller.address)
    except HedgeError as error:
        desk.log.warning("operator.refused", code=error.code, address=caller.address)
        told = f"{error.error}. {error.details}"
        wait = {"Retry-After": str(error.retry_after_s)} if isinstance(error, TooMany) else {}
        form_again = render.html(
            desk, "login.html", status=error.status, frame=None, next=_back(form.get("next")), refused=told
        )
        form_again.headers.update(wait)
        return form_again
    # The session before, if there was one, ends: its id was known before this login.
    desk.sessions.end(request.cookies.get(COOKIE))
    session_id, _ = desk.sessions.begin(name)
    desk.log.info("operator.logged_in", actor=name, address=caller.address)
    response = web.Response(status=303, headers={"Location": _back(form.get("next"))})
    response.set_cookie(COOKIE, session_id, path=HOME, httponly=True, samesite="Strict", secure=caller.secure)
    return response


async def _logout(request: web.Request) -> web.Response:
    desk, session = request.app[DESK], request[SESSION]
    _check_csrf(await _form(request), session)
    desk.sessions.end(request.cookies.get(COOKIE))
    desk.log.info("operator.logged_out", actor=session.name)
    response = web.Response(status=303, headers={"Location": LOGIN})
    response.del_cookie(COOKIE, path=HOME)
    return response


async def _act(request: web.Request) -> web.Response:
    """Act, and go back to where the form stood, where what became of it is told."""
    desk, session = request.app[DESK], request[SESSION]
    form = await _form(request)
    _check_csrf(form, session)
    act = BY_NAME.get(request.match_info["name"])
    if act is None:
        raise NotFound("No such act")
    back = _back(form.get("back"))
    given = {name: value for name, value in form.items() if name not in ("csrf", "back")}
    try:
        body = await act.do(desk, given, session.name, form=True)
    except HedgeError as error:
        desk.log.warning("operator.act_refused", actor=session.name, action=act.name, **error.log_context())
        session.notices.append(Notice(f"{error.error}. {error.details}", good=False))
    else:
        session.notices.append(Notice(act.sentence(body), good=True))
    return web.Response(status=303, headers={"Location": back})


def _check_csrf(form: dict[str, str], session: Session) -> None:
    if not same_secret(form.get("csrf", ""), session.csrf):
        raise Forbidden("The form is not of this session", "Load the page again; nothing was changed.")


async def _form(request: web.Request) -> dict[str, str]:
    if request.content_type != "application/x-www-form-urlencoded":
        raise BadRequest("This is no form", "Use the page's own form.")
    try:
        text = (await read_body(request, MAX_FORM_BYTES)).decode()
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=50, errors="strict"))
    except ValueError:
        raise BadRequest("The form can't be read", "Load the page again.") from None


def _back(path: str | None) -> str:
    """Give a page of our own to go to; an address of anybody else is never gone to."""
    return HOME if path is None or _OWN_PATH.fullmatch(path) is None else path
