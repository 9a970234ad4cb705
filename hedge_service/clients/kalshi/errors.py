"""What can go wrong when the exchange is asked."""

from __future__ import annotations

from hedge_service.errors import Peer, PeerError


class ExchangeRefused(PeerError):  # noqa: N818 - named for what happened, as its siblings
    """The exchange answered a read or a cancel with a refusal; repeating it would change nothing."""

    sentence = "{peer} refused the request"
    suffix = "refused"

    def __init__(self, *, http_status: int, refusal: str, message: str = "") -> None:
        super().__init__(Peer.EXCHANGE, http_status=http_status, refusal=refusal, message=message)
        self.http_status = http_status
        self.refusal = refusal


class Undelivered(Exception):  # noqa: N818 - named for what happened
    """A request without a complete reply. `begun` is False only when no byte of it was written."""

    def __init__(self, reason: str, *, begun: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.begun = begun
