"""Stripe's library, without the HTTP clients that it offers beside the one that is used here."""

from __future__ import annotations

from hedge_service.imports import leaving_out

# `requests` alone takes as long to load as all the rest of it.
with leaving_out("requests", "httpx"):
    import stripe

__all__ = ["stripe"]
