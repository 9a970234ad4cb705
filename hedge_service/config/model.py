"""Every knob: its name, its kind and its default. `config.toml` says what each is for."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum

from pydantic import Field

from hedge_service.config.fields import (
    Section,
    choice,
    dollars,
    peer_url,
    public_url,
    ratio,
    seconds,
    text,
    whole,
)
from hedge_service.core.money import Money
