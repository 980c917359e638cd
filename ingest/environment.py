"""The only reader of the environment.

Every setting is read from `INGEST_<NAME>`, or from the file that `INGEST_<NAME>_FILE` names. A
variable that is empty counts as unset: `INGEST_HOST=` does not listen on every interface.
"""

import os
from dataclasses import MISSING, fields, replace
from difflib import get_close_matches
from typing import Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import quote, urlsplit

from environs import Env, EnvError, FileAwareEnv
from marshmallow.validate import OneOf

from ingest.errors import ConfigurationError
from ingest.settings import Settings, check_database_url, checked

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder in which processes share their metrics; the Prometheus client reads it too."""
PART = "INGEST_PART"
"""Names a process among those that are supervised together, such as `api-1`."""

_PREFIX = "INGEST_"
_FILE = "_FILE"
_SIMILAR = 0.75  # of 1: the prefix alone makes any two names half the same
_SERVICE_URL, _ADMIN_URL = "INGEST_DATABASE_URL", "INGEST_MIGRATE_DATABASE_URL"
# Read elsewhere: by `ingest load`, by compose.yaml, by a process of a parent that waits for it.
_OTHERS = {"INGEST_URL", "INGEST_TOKEN", "INGEST_SERVICE_PASSWORD", "INGEST_READY_FD"}


def read_settings(**overrides: Any) -> Settings:
    """Read `Settings` from the environment; `overrides` win.

    Raises:
        ConfigurationError: a variable is missing or cannot be read; it is named.
    """
    env = _environment(_PREFIX)
    hints = get_type_hints(Settings)
    values: dict[str, Any] = {}
    for field in fields(Settings):
        if field.name in overrides:
            continue
        name = field.name.upper()
        if not is_set(_PREFIX + name):
            if field.default is MISSING:
                raise ConfigurationError(f"{_PREFIX}{name} is not set, or empty")
            continue
        try:
            values[field.name] = _read(env, name, hints[field.name])
        except (EnvError, ValueError) as error:  # the latter of a file
            raise ConfigurationError(str(error)) from error
    return _with_passwords(checked(Settings(**values, **overrides)))


def admin_database_url() -> str | None:
    """Where operators' commands connect in place of `database_url`; None for there.

    Raises:
        ConfigurationError: it is no URL, or the file that says it cannot be read.
    """
    if not is_set(_ADMIN_URL):
        return None
    try:
        url = str(_environment().str(_ADMIN_URL))
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    check_database_url(_ADMIN_URL, url)
    return url


def of_operators(reason: str) -> str:
    """What is wrong with `INGEST_DATABASE_URL`, said of the variable that operators use."""
    return reason.replace(_SERVICE_URL, _ADMIN_URL) if is_set(_ADMIN_URL) else reason


def unknown_variables() -> dict[str, str | None]:
    """The variables that look like settings and are none, each with the setting of the most
    similar name.
    """
    known = {_PREFIX + field.name.upper() for field in fields(Settings)}
    known |= {PART, _ADMIN_URL, *_OTHERS}
    known |= {name + _FILE for name in known}
    unknown = sorted(name for name in os.environ if name.startswith(_PREFIX) and name not in known)
    return {name: next(iter(get_close_matches(name, known, 1, _SIMILAR)), None) for name in unknown}


def is_set(variable: str) -> bool:
    """Whether a variable, or that of its file, holds anything."""
    return any(os.environ.get(name, "").strip() for name in (variable, variable + _FILE))


def _environment(prefix: str | None = None) -> Env:
    return FileAwareEnv(prefix=prefix, file_suffix=_FILE, strip_whitespace=True)


def metrics_folder() -> str | None:
    """Where this process and others share their metrics; None where they do not."""
    return os.environ.get(METRICS_FOLDER) or None


def part_name() -> str | None:
    """The name that its supervisor gives this process; None where it has none."""
    return os.environ.get(PART) or None


def _read(env: Env, name: str, hint: Any) -> Any:
    if get_origin(hint) is Literal:
        return env.str(name, validate=OneOf(get_args(hint)))
    readers: dict[Any, Any] = {int: env.int, float: env.float, bool: env.bool, str: env.str}
    return readers[hint](name)


def _with_passwords(settings: Settings) -> Settings:
    """The same settings, with the passwords in the URLs."""
    return replace(
        settings,
        database_url=_with_password(settings.database_url, settings.database_password),
        redis_url=_with_password(settings.redis_url, settings.redis_password),
        database_password="",
        redis_password="",
    )


def _with_password(url: str, password: str) -> str:
    """A URL with a password in place of its own, if any."""
    if not url or not password:
        return url
    parts = urlsplit(url)
    login, _, place = parts.netloc.rpartition("@")
    login = login.partition(":")[0]
    return parts._replace(netloc=f"{login}:{quote(password, safe='')}@{place}").geturl()
