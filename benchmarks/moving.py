"""Time the real `hedge-service migrate --from --to` with many rows, its comparison included.

Run with `python -m benchmarks.moving` (a million rows) or `python -m benchmarks.moving 100000`. Two fifths of
the rows are ledger postings, as many are sets, the rest are events of 1 kB. The server is PostgreSQL on a
socket of this machine, writing to its disk as in real use.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import create_engine, text

from hedge_service.store import migrate
from tests.postgres_server import running

ROWS = 1_000_000
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows)"
FILL = (
    "INSERT INTO ledger_sets (id, cause, kind, at_ms) {} SELECT i, 'fill:' || i, 'fill', i FROM n",
    (
        "INSERT INTO ledger_postings (set_id, account, micros) {} "
        "SELECT (i + 1) / 2, CASE i % 2 WHEN 0 THEN 'positions' ELSE 'exchange_cash' END, "
        "CASE i % 2 WHEN 0 THEN i / 2 ELSE -(i + 1) / 2 END FROM n"
    ),
    (
        "INSERT INTO inbox (source, external_id, type, created_ms, received_ms, payload) {} "
        "SELECT 'stripe', 'evt_' || i, 'x', i, i, randomblob(1024) FROM n"
    ),
)
SHARES = (0.4, 0.4, 0.2)
HALT = "INSERT INTO halts (at_ms, halted, reason, actor) VALUES (1, 1, 'bench', 'bench')"


def made(file: Path, rows: int) -> None:
    """Make a halted database with so many rows."""
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        migrate.upgrade(connection)
        for statement, share in zip(FILL, SHARES, strict=True):
            # An even number, so that every set has both of its postings.
            count = int(rows * share) // 2 * 2
            connection.execute(text(statement.format(NUMBERS)), {"rows": count})
        connection.execute(text(HALT))
    engine.dispose()


def main(rows: int) -> None:
    """Make, move, and tell."""
    with TemporaryDirectory() as folder, running(durable=True) as server:
        file = Path(folder) / "hedge.db"
        made(file, rows)
        source, target = f"sqlite+aiosqlite:///{file}", server.empty()
        started = time.perf_counter()
        command = [sys.executable, "-m", "hedge_service", "migrate", "--from", source, "--to", target]
        subprocess.run(command, check=True)  # noqa: S603 - our own command
        took = time.perf_counter() - started
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
        print(
            f"{rows:,} rows, {file.stat().st_size // 1_000_000} MB: moved and compared in {took:.1f} s, "
            f"{rows / took:,.0f} rows/s; {memory} MiB at most"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
