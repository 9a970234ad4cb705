"""The plans that the language model is offered, as figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from hedge_service.core.money import Count, Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFacts:
    """One plan: its id, contracts by leg number, and what the seller is left with, in dollars."""

    plan_id: str
    contracts: Mapping[int, Count]
    ev: Money
    sd: Money
    worst: Money
    cvar: Money
    p_loss: Decimal
    outlay: Money
    fees: Money

    def as_json(self) -> dict[str, object]:
        """Give it as plain JSON values, numbers as text."""
        money = {name: str(getattr(self, name)) for name in ("ev", "sd", "worst", "cvar", "outlay", "fees")}
        contracts = {str(leg): str(count) for leg, count in self.contracts.items()}
        return {"id": self.plan_id, "contracts": contracts, **money, "p_loss": f"{self.p_loss:.4f}"}
