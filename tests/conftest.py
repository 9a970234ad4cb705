"""What tests of more than one folder share."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.empty_database import Lender, lenders
from tests.postgres_server import NoServer, running
from tests.sandbox.exchange_stage import HOST, PREFIX, KalshiSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgres_server import Server

# Speed is shown by benchmarks: no test fails on time. `make test-thorough` tries many more examples where a
# test does not say itself how many.
settings.register_profile("short", deadline=None, max_examples=50)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))

# A shell's job in the background ignores Ctrl-C, and so would the processes that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What takes longest begins first, so that no worker is left alone with it in the end.
FIRST = ("proof", "system", "browser", "cli", "metering", "flow")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let what asks for an empty database have it on a server."""
    parser.addoption("--database", choices=["sqlite", "postgresql"], default="sqlite")


@pytest.fixture(autouse=True)
def lender(request: pytest.FixtureRequest) -> Iterator[None]:
    """Put databases on a server in the place of files, if that was asked for."""
    if request.config.getoption("--database") == "sqlite":
        yield
        return
    lent = Lender(request.getfixturevalue("server"))
    lenders.append(lent)
    yield
    lenders.remove(lent)
    lent.close()


SPEC = Path(__file__).parents[2] / "shared" / "kalshi" / "openapi.yaml"


@pytest.fixture(scope="session")
def kalshi_spec() -> KalshiSpec:
    """Give the validator for requests and replies; skips by name where the file is absent."""
    if not SPEC.is_file():
        pytest.skip("../shared/kalshi/openapi.yaml is absent: replies are not checked against it")
    import yaml
    from openapi_core import OpenAPI

    described = yaml.load(SPEC.read_bytes(), Loader=yaml.CSafeLoader)
    described["servers"] = [{"url": HOST + PREFIX}]
    return KalshiSpec(OpenAPI.from_dict(described))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the folders by how long their tests take."""
    rank = {name: place for place, name in enumerate(FIRST)}
    root = Path(__file__).parent
    items.sort(key=lambda item: rank.get(item.path.relative_to(root).parts[0], len(rank)))


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Give a PostgreSQL server; skips by name where there is none."""
    try:
        with running() as started:
            yield started
    except NoServer as lack:
        pytest.skip(str(lack))
