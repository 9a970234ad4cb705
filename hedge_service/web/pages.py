"""Where Stripe sends the browser afterwards: small pages that close themselves.

They tell nothing but that: the payment is confirmed by the webhook alone, never by a visit here.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CLOSE_SCRIPT = "setTimeout(function () { window.close(); }, 3000);"
STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1rem;"
    "color:#1a1a1a;background:#fff}@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}}"
)
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{text}</p>
<p>This tab closes by itself. You can also close it now.</p>
</main>
<script>{script}</script>
</body>
</html>
"""


def _hash(source: str) -> str:
    return f"'sha256-{b64encode(sha256(source.encode()).digest()).decode()}'"


# Nothing but the two texts above may run or style; the session id in the address goes nowhere.
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; script-src {_hash(CLOSE_SCRIPT)}; style-src {_hash(STYLE)}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def _page(title: str, text: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    html = PAGE.format(title=escape(title), text=escape(text), style=STYLE, script=CLOSE_SCRIPT)

    async def show(_request: web.Request) -> web.Response:
        return web.Response(text=html, content_type="text/html", headers=HEADERS)

    return show


payment_success = _page(
    "Thank you", "Your payment is on its way. The parlay appears in the extension once it is confirmed."
)
payment_cancel = _page("Payment cancelled", "Nothing was charged. Your bets are still in the extension.")
