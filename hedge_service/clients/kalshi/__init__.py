"""The exchange as a collaborator: signed requests, one send per order, patient reads. No decisions."""

from hedge_service.clients.kalshi.client import KalshiClient
from hedge_service.clients.kalshi.errors import ExchangeRefused
from hedge_service.clients.kalshi.signer import Signer
from hedge_service.clients.kalshi.transport import Transport

__all__ = ["ExchangeRefused", "KalshiClient", "Signer", "Transport"]
