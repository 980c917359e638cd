"""Settings: read from the environment, refused by name, documented one and all."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest

from ingest.environment import admin_database_url, of_operators, read_settings, unknown_variables
from ingest.errors import ConfigurationError
from ingest.settings import Settings

URLS = {"INGEST_DATABASE_URL": "postgresql://h/d", "INGEST_REDIS_URL": "redis://h"}
NAMES = [f"INGEST_{field.name.upper()}" for field in dataclasses.fields(Settings)]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("INGEST_"):
            monkeypatch.delenv(name)
    for name, value in URLS.items():
        monkeypatch.setenv(name, value)


def test_defaults() -> None:
    settings = read_settings()
    assert settings == Settings(database_url="postgresql://h/d", redis_url="redis://h")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("max_body", "1000", 1000),
        ("wait", "2.5", 2.5),
        ("idempotency_required", "true", True),
        ("replay", "return", "return"),
        ("resources", "./crm.py", "./crm.py"),
        ("docs", "token", "token"),
        ("public_url", "https://api.example.com:8443/bulk/", "https://api.example.com:8443/bulk/"),
        ("write_url", "http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_variables_are_read(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, value: Any
) -> None:
    monkeypatch.setenv(f"INGEST_{name.upper()}", text)
    assert getattr(read_settings(), name) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("INGEST_MAX_BODY", "much"),
        ("INGEST_MAX_ITEMS", "0"),
        ("INGEST_WAIT", "-1"),
        ("INGEST_WAIT", "nan"),
        ("INGEST_MAX_WAIT", "inf"),
        ("INGEST_PORT", "65536"),
        ("INGEST_REPLAY", "sometimes"),
        ("INGEST_IDEMPOTENCY_REQUIRED", "perhaps"),
        ("INGEST_DATABASE_URL", "nonsense"),
        ("INGEST_DATABASE_URL", "postgresql://h:port/d"),
        ("INGEST_REDIS_URL", "http://h"),
        ("INGEST_DOCS", "private"),
        ("INGEST_PUBLIC_URL", "api.example.com"),
        ("INGEST_PUBLIC_URL", "ftp://api.example.com"),
        ("INGEST_PUBLIC_URL", "https://"),
        ("INGEST_PUBLIC_URL", "https://api.example.com:port"),
        ("INGEST_PUBLIC_URL", "https://ann:secret@api.example.com"),
        ("INGEST_PUBLIC_URL", "https://api.example.com/?a=b"),
        ("INGEST_PUBLIC_URL", "https://api.example.com/<b>\u00a0"),
        ("INGEST_WRITE_URL", "javascript:alert(1)"),
        ("INGEST_WRITE_URL", "//writer.example.com"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(ConfigurationError, match=name):
        read_settings()


@pytest.mark.parametrize("name", URLS)
def test_what_is_needed_is_asked_for(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(ConfigurationError, match=name):
        read_settings()


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("postgresql://ann@h/d", "postgresql://ann:a%2Fb%40c%3A%25@h/d"),
        (
            "postgresql://ann:old@h1,h2/d?x=y",
            "postgresql://ann:a%2Fb%40c%3A%25@h1,h2/d?x=y",
        ),
    ],
)
def test_a_password_is_given_as_it_is(
    monkeypatch: pytest.MonkeyPatch, url: str, whole: str
) -> None:
    monkeypatch.setenv("INGEST_DATABASE_URL", url)
    monkeypatch.setenv("INGEST_DATABASE_PASSWORD", "a/b@c:%")
    monkeypatch.setenv("INGEST_REDIS_PASSWORD", "s p")
    settings = read_settings()
    assert settings.database_url == whole
    assert settings.redis_url == "redis://:s%20p@h"


def test_a_value_may_be_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("geh€im\n", encoding="utf-8")
    monkeypatch.setenv("INGEST_DATABASE_URL", "postgresql://ann@h/d")
    monkeypatch.setenv("INGEST_DATABASE_PASSWORD_FILE", str(secret))
    assert read_settings().database_url == "postgresql://ann:geh%E2%82%ACim@h/d"
    owner = tmp_path / "owner"
    owner.write_text("postgresql://owner@h/d\n", encoding="utf-8")
    monkeypatch.setenv("INGEST_MIGRATE_DATABASE_URL_FILE", str(owner))
    assert admin_database_url() == "postgresql://owner@h/d"
    assert not unknown_variables()


def test_the_url_of_operators_is_named_where_it_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = "the password in INGEST_DATABASE_URL is wrong"
    assert of_operators(wrong) == wrong
    monkeypatch.setenv("INGEST_MIGRATE_DATABASE_URL", "mysql://h/d")
    with pytest.raises(ConfigurationError, match="INGEST_MIGRATE_DATABASE_URL is not a URL such"):
        admin_database_url()
    assert of_operators(wrong) == "the password in INGEST_MIGRATE_DATABASE_URL is wrong"


def test_a_file_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("INGEST_DATABASE_PASSWORD_FILE", str(tmp_path / "none"))
    with pytest.raises(ConfigurationError, match="INGEST_DATABASE_PASSWORD_FILE"):
        read_settings()


def test_a_url_of_sentinels_that_is_none_is_shown_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGEST_REDIS_URL", "redis+sentinel://one:26379")
    with pytest.raises(ConfigurationError, match=r"redis\+sentinel://one:port,two:port/NAME/0"):
        read_settings()


def test_an_empty_variable_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        if name not in URLS:
            monkeypatch.setenv(name, "")
    monkeypatch.setenv("INGEST_MIGRATE_DATABASE_URL", " ")
    assert read_settings() == Settings(database_url="postgresql://h/d", redis_url="redis://h")
    assert admin_database_url() is None


@pytest.mark.parametrize("name", URLS)
def test_an_empty_variable_that_is_needed_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "")
    with pytest.raises(ConfigurationError, match=f"{name} is not set, or empty"):
        read_settings()


def test_an_empty_host_is_not_every_interface() -> None:
    with pytest.raises(ConfigurationError, match="--host is empty"):
        read_settings(host="")


def test_a_variable_that_is_no_setting_is_found_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert unknown_variables() == {}
    for name in ("INGEST_MAX_ITMES", "INGEST_XYZZY", "INGEST_TOKEN", "INGEST_URL", "OTHER"):
        monkeypatch.setenv(name, "")
    assert unknown_variables() == {"INGEST_MAX_ITMES": "INGEST_MAX_ITEMS", "INGEST_XYZZY": None}


def test_overrides_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGEST_PORT", "1")
    assert read_settings(port=2).port == 2


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_documented(name: str) -> None:
    page = Path(__file__).parents[2] / "docs" / "settings.md"
    assert f"`{name}`" in page.read_text()
