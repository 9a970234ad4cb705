from __future__ import annotations

import tomllib
from dataclasses import FrozenInstanceError
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from hedge_service.config import Environment, Mode, Strategy, Tier, load_config
from hedge_service.config.model import Settings
from hedge_service.config.variables import knobs, variable_of
from hedge_service.core.money import Money
from hedge_service.errors import ConfigError
from hedge_service.logs import is_secret_name

if TYPE_CHECKING:
    from tests.config.conftest import Load, Refuse

COMMITTED = Path(__file__).parents[2] / "config.toml"


def test_the_committed_file_says_the_built_in_defaults() -> None:
    assert Settings.model_validate(tomllib.loads(COMMITTED.read_text())) == Settings()


def test_the_committed_file_names_every_knob() -> None:
    tree = tomllib.loads(COMMITTED.read_text())
    named = set()
    for section, members in tree.items():
        for key, value in members.items():
            inner = value if isinstance(value, dict) else {"": None}
            named |= {(section, key, *([name] if name else [])) for name in inner}
    assert named == set(knobs())


def test_every_knob_has_a_comment_that_tells_its_default_and_when_to_change_it() -> None:
    lines = COMMITTED.read_text().splitlines()
    for number, line in enumerate(lines):
        if " = " in line and not line.startswith("#"):
            comment = lines[number - 1]
            assert comment.startswith("# "), line
            told = line.split(" = ")[1]
            # dry_run and the caps say the default in the same words as the line itself
            assert f"Default {told}" in comment or f"default {told}" in comment, line


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    config = load_config(path=None, environ={}, cwd=tmp_path)
    assert config.kalshi.environment is Environment.DEMO
    assert config.mode is Mode.DRY_RUN
    assert config.hedging.strategy is Strategy.BANDS
    assert config.limits.max_stake_dollars == Money.of(100)
    assert config.pricing.payment_fee_share == Decimal("0.029")
    assert config.file is None


def test_the_file_is_read_and_the_rest_is_default(load: Load) -> None:
    config = load('[service]\nport = 5000\n[limits]\nmax_order_dollars = "12.50"\n')
    assert config.service.port == 5000
    assert config.service.host == "127.0.0.1"
    assert config.limits.max_order_dollars == Money.of("12.50")
    assert config.file is not None


def test_a_named_path_wins_over_the_variable_and_that_over_the_working_directory(tmp_path: Path) -> None:
    for name, port in (("config.toml", 1), ("named.toml", 2), ("given.toml", 3)):
        (tmp_path / name).write_text(f"[service]\nport = {port}\n")
    environ = {"HEDGE_CONFIG": "named.toml"}
    given = load_config(path=Path("given.toml"), environ=environ, cwd=tmp_path)
    named = load_config(path=None, environ=environ, cwd=tmp_path)
    found = load_config(path=None, environ={"HEDGE_CONFIG": ""}, cwd=tmp_path)
    assert [config.service.port for config in (given, named, found)] == [3, 2, 1]


def test_a_named_file_that_is_missing_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: can't be read"):
        load_config(path=Path("nowhere.toml"), environ={}, cwd=tmp_path)


@pytest.mark.parametrize("content", [b"[service\n", b"\xff\xfe", b"port = 1\nport = 2\n"])
def test_a_file_that_is_not_toml_stops_the_start_with_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config.toml").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_config(path=None, environ={}, cwd=tmp_path)
    assert len(caught.value.problems) == 1
    assert "\n" not in caught.value.problems[0]


def test_every_knob_can_be_overridden_by_its_variable(load: Load) -> None:
    defaults = Settings()
    environ = {}
    for path in knobs():
        value: object = defaults
        for key in path:
            value = getattr(value, key)
        text = "off" if value is None else getattr(value, "value", value)
        environ[variable_of(path)] = str(text).lower() if isinstance(text, bool) else str(text)
    config = load('[service]\nport = 9\n[kalshi.rate_limit]\ntier = "prime"\n', env=environ)
    assert {name: getattr(config, name) for name in Settings.model_fields} == dict(defaults)


def test_variables_override_the_file_also_in_nested_sections(load: Load) -> None:
    config = load(
        '[kalshi.rate_limit]\ntier = "prime"\nsource = "tier"\n',
        env={"HEDGE_KALSHI__RATE_LIMIT__TIER": "advanced", "HEDGE_KALSHI__ORDER_TIMEOUT_S": "2.5"},
    )
    assert config.kalshi.rate_limit.tier is Tier.ADVANCED
    assert config.kalshi.rate_limit.source.value == "tier"
    assert config.kalshi.order_timeout_s == 2.5


def test_the_real_environment_wins_over_dotenv_and_that_over_the_file(load: Load) -> None:
    dotenv = "export HEDGE_SERVICE__PORT=2\nHEDGE_OPS__PORT='3' # why not\nOTHER=x\n"
    config = load("[service]\nport = 1\n", env={"HEDGE_SERVICE__PORT": "4"}, dotenv=dotenv)
    assert (config.service.port, config.ops.port) == (4, 3)


def test_an_unreadable_line_in_dotenv_is_told_by_its_number_only(refuse: Refuse) -> None:
    problems = refuse(dotenv="A=1\nthis is sk_live_0123456789\n")
    assert problems == (".env: line 2 is not readable; allowed: NAME=value",)


def test_reserved_variables_and_foreign_ones_are_left_alone(load: Load) -> None:
    environ = {"HEDGE_OPS_TOKEN": "0123456789abcdef", "PATH": "/bin", "HEDGEHOG": "x", "HEDGE_CONFIG": ""}
    config = load(env=environ)
    assert config.secrets.ops_token is not None


@pytest.mark.parametrize(
    "name",
    [
        "HEDGE_KALSI__DRY_RUN",
        "HEDGE_KALSHI__DRYRUN",
        "HEDGE_KALSHI_DRY_RUN",
        "HEDGE_KALSHI__RATE_LIMIT",
        "HEDGE_KALSHI__RATE_LIMIT__TIER__X",
        "HEDGE_KALSHI__",
        "HEDGE_",
        "HEDGE_PORT",
        "HEDGE_STRIPE__API_KEY",
        "hedge_kalshi__dry_run",
    ],
)
def test_an_unknown_variable_of_ours_stops_the_start(refuse: Refuse, name: str) -> None:
    problems = refuse(env={name: "false"})
    assert len(problems) == 1
    assert problems[0].startswith(f"{name}: unknown variable; ")


def test_a_misspelt_variable_is_told_its_likely_name(refuse: Refuse) -> None:
    assert refuse(dotenv="HEDGE_KALSI__DRY_RUN=false\n")[0].endswith("did you mean HEDGE_KALSHI__DRY_RUN?")


def test_all_problems_are_told_at_once_one_line_each(refuse: Refuse) -> None:
    problems = refuse(
        '[service]\nport = "4000"\n[kalsi]\n[kalshi]\nenvironment = "live"\n',
        env={"HEDGE_X__Y": "1", "STRIPE_API_KEY": "pk_test_123456"},
    )
    assert len(problems) == 5
    assert all("\n" not in line and ": " in line for line in problems)


def test_the_configuration_is_frozen(load: Load) -> None:
    config = load()
    with pytest.raises(FrozenInstanceError):
        config.ops = config.ops  # type: ignore[misc]
    with pytest.raises(ValidationError):
        config.kalshi.dry_run = False


def test_the_description_tells_the_mode_and_no_secret(load: Load, keys: dict[str, str]) -> None:
    config = load("[kalshi]\ndry_run = false\n", env={**keys, "STRIPE_API_KEY": "sk_test_abcdefgh"})
    told = config.describe()
    assert {key: told[key] for key in ("host", "port", "mode", "environment", "stripe_mode")} == {
        "host": "127.0.0.1",
        "port": 4000,
        "mode": "live",
        "environment": "demo",
        "stripe_mode": "test",
    }
    assert told["keys_present"] == ["KALSHI_DEMO_API_KEY", "KALSHI_DEMO_PRIVATE_KEY", "STRIPE_API_KEY"]
    assert not any(is_secret_name(name) for name in told)  # the log would blot it out
    assert not any(secret in str(told) for secret in config.secrets.values())
