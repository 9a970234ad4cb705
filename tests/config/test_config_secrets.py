from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hedge_service.config import StripeMode

if TYPE_CHECKING:
    from pathlib import Path

    from tests.config.conftest import Load, Refuse

ID = {"KALSHI_DEMO_API_KEY": "demo-key-id"}


def _pem_of(load: Load, env: dict[str, str], dotenv: str = "") -> str:
    secret = load(env=env, dotenv=dotenv).secrets.kalshi_private_key
    assert secret is not None
    return secret.get_secret_value()


def test_a_key_is_read_as_text_with_real_or_literal_line_ends(load: Load, ed25519_pem: str) -> None:
    literal = ed25519_pem.replace("\n", "\\n")
    assert _pem_of(load, {"KALSHI_DEMO_PRIVATE_KEY": ed25519_pem}) == ed25519_pem
    assert _pem_of(load, {"KALSHI_DEMO_PRIVATE_KEY": literal}) == ed25519_pem
    assert _pem_of(load, {"KALSHI_DEMO_PRIVATE_KEY": ed25519_pem.replace("\n", "\r\n")}) == ed25519_pem


def test_a_key_is_read_from_dotenv_in_every_quoting(load: Load, rsa_pem: str) -> None:
    literal = rsa_pem.strip().replace("\n", "\\n")
    for line in (literal, f'"{literal}"', f"'{literal}'", f'"{rsa_pem}"'):
        assert _pem_of(load, {}, f"KALSHI_DEMO_PRIVATE_KEY={line}\n") == rsa_pem


def test_a_key_is_read_from_a_file_relative_to_the_working_directory(
    load: Load, tmp_path: Path, rsa_pem: str
) -> None:
    (tmp_path / "key.pem").write_text(rsa_pem)
    assert _pem_of(load, {"KALSHI_DEMO_PRIVATE_KEY_PATH": "key.pem"}) == rsa_pem


def test_text_and_path_together_contradict(refuse: Refuse, ed25519_pem: str) -> None:
    env = {"KALSHI_DEMO_PRIVATE_KEY": ed25519_pem, "KALSHI_DEMO_PRIVATE_KEY_PATH": "key.pem"}
    (problem,) = refuse(env=env)
    assert problem == (
        "KALSHI_DEMO_PRIVATE_KEY: contradicts KALSHI_DEMO_PRIVATE_KEY_PATH; allowed: one of the two"
    )


def test_a_key_file_that_is_missing_or_no_text_is_told_by_its_variable(
    refuse: Refuse, tmp_path: Path
) -> None:
    (tmp_path / "long").write_text("x" * 70_000)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name in ("absent", "long", "binary", "."):
        (problem,) = refuse(env={"KALSHI_DEMO_PRIVATE_KEY_PATH": name})
        assert problem.startswith("KALSHI_DEMO_PRIVATE_KEY_PATH: ")


def test_a_key_of_another_kind_or_too_short_is_refused(
    refuse: Refuse, short_rsa_pem: str, curve_pem: str
) -> None:
    for pem in (short_rsa_pem, curve_pem, "not a key at all", "-----BEGIN PRIVATE KEY-----\\nAAAA"):
        (problem,) = refuse(env={"KALSHI_DEMO_PRIVATE_KEY": pem})
        assert "RSA (2048 bits or more) or Ed25519" in problem
        assert pem[30:60] not in problem or len(pem) < 30


def test_production_and_demo_keys_are_apart(load: Load, ed25519_pem: str, rsa_pem: str) -> None:
    env = {
        **ID,
        "KALSHI_DEMO_PRIVATE_KEY": ed25519_pem,
        "KALSHI_API_KEY": "production-key-id",
        "KALSHI_PRIVATE_KEY": rsa_pem,
    }
    demo = load(env=env).secrets
    production = load('[kalshi]\nenvironment = "production"\n', env=env).secrets
    assert demo.kalshi_api_key is not None
    assert demo.kalshi_api_key.get_secret_value() == "demo-key-id"
    assert production.kalshi_api_key is not None
    assert production.kalshi_api_key.get_secret_value() == "production-key-id"
    assert demo.values() == production.values()  # what logs must keep out, in use or not
    assert set(demo.values()) == set(env.values())


def test_only_the_key_in_use_has_to_be_good(load: Load) -> None:
    config = load(env={"KALSHI_PRIVATE_KEY": "an old one", "KALSHI_DEMO_PRIVATE_KEY": ""})
    assert config.secrets.kalshi_private_key is None


def test_an_empty_secret_counts_as_not_given_also_over_dotenv(load: Load) -> None:
    config = load(env={"STRIPE_API_KEY": ""}, dotenv="STRIPE_API_KEY=sk_test_abcdef\nOPENAI_API_KEY= \n")
    assert config.secrets.stripe_api_key is None
    assert config.secrets.openai_api_key is None
    assert config.secrets.given == {}


def test_dotenv_never_expands_a_dollar_in_a_secret(load: Load) -> None:
    secret = load(dotenv="STRIPE_WEBHOOK_SECRET=whsec_a${HOME}b$c\n").secrets.stripe_webhook_secret
    assert secret is not None
    assert secret.get_secret_value() == "whsec_a${HOME}b$c"


@pytest.mark.parametrize(
    ("key", "mode", "environment"),
    [
        ("sk_test_abcdef", StripeMode.TEST, "demo"),
        ("rk_test_live_abcdef", StripeMode.TEST, "demo"),
        ("sk_live_abcdef", StripeMode.LIVE, "production"),
        ("rk_live_abcdef", StripeMode.LIVE, "production"),
        ("", None, "demo"),
    ],
)
def test_stripes_mode_is_read_off_its_key(
    load: Load, key: str, mode: StripeMode | None, environment: str
) -> None:
    env = {"STRIPE_API_KEY": key, "HEDGE_KALSHI__ENVIRONMENT": environment}
    assert load(env=env).secrets.stripe_mode is mode


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRIPE_API_KEY", "pk_live_mixedup"),
        ("STRIPE_API_KEY", "whsec_mixedup"),
        ("STRIPE_WEBHOOK_SECRET", "sk_live_mixedup"),
        ("OPENAI_API_KEY", "mixedup mixedup"),
        ("KALSHI_DEMO_API_KEY", "mixedup\nmixedup"),
        ("HEDGE_OPS_TOKEN", "mixed\u00fcp"),
    ],
)
def test_a_mixed_up_secret_is_told_by_its_name_only(refuse: Refuse, name: str, value: str) -> None:
    (problem,) = refuse(env={name: value})
    assert problem.startswith(f"{name}: ")
    assert "mixed" not in problem


def test_no_spelling_of_the_configuration_prints_a_secret(load: Load, rsa_pem: str) -> None:
    env = {
        **ID,
        "KALSHI_DEMO_PRIVATE_KEY": rsa_pem,
        "STRIPE_API_KEY": "sk_test_abcdef",
        "STRIPE_WEBHOOK_SECRET": "whsec_abcdef",
        "OPENAI_API_KEY": "sk-abcdef",
        "HEDGE_OPS_TOKEN": "ann:tokentokentoken1,tokentokentoken2",
    }
    config = load(env=env)
    told = f"{config} {config!r} {config.secrets} {config.describe()} {config.secrets.given}"
    for value in (*config.secrets.values(), rsa_pem.splitlines()[1]):
        assert value not in told


def test_operators_tokens_have_names_and_rotate(load: Load) -> None:
    text = "ann:0123456789abcdef,ann:fedcba9876543210,operatorssecret+17"
    config = load(env={"HEDGE_OPS_TOKEN": text})
    assert [token.name for token in config.secrets.ops_tokens] == ["ann", "ann", "operator"]
    # Each secret is kept out of logs, also without its name.
    assert "fedcba9876543210" in config.secrets.values()


@pytest.mark.parametrize(
    "text", ["short", "ann:short", "ann:0123456789abcdef,bob:0123456789abcdef", "ann:0123456789abcdef,x"]
)
def test_a_weak_or_doubled_operators_token_is_refused_without_telling_it(refuse: Refuse, text: str) -> None:
    for problem in refuse(env={"HEDGE_OPS_TOKEN": text}):
        assert problem.startswith("HEDGE_OPS_TOKEN: ")
        assert "0123456789abcdef" not in problem
