"""What operators did and saw, and how far searches have got."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text, UniqueConstraint

from hedge_service.store.schema.base import RowId, metadata

# How far a search has got, by name.
marks = Table(
    "marks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("details", Text, nullable=False),
)

reconciliations = Table(
    "reconciliations",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("result", Text, nullable=False),
    Column("differences", Text, nullable=False),
)

# Differences that a person has accepted; the figure is what was accepted, empty where the id alone decides.
acknowledgements = Table(
    "acknowledgements",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("figure", Text, nullable=False),
    UniqueConstraint("kind", "subject", "figure"),
)
