"""Logging: one line an event on standard error, JSON or for a person, the trace id in each.

The standard library's loggers (aiohttp, arq, asyncpg, alembic) go the same way. Whatever is bound
with `structlog.contextvars.bind_contextvars` is in every line; `trace_id` is bound there.
"""

import json
import logging
import sys
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import Processor

from ingest.errors import ConfigurationError
from ingest.settings import Settings

_QUIET = (
    "aiohttp.access",  # the service logs its own requests
    "alembic",  # narrates its own set-up; `ingest migrate` says what was done
    "arq.worker",  # logs the arguments of every job at INFO
    "asyncio",
)


def configure(settings: Settings) -> None:
    """Set logging up for this process; the last call wins.

    Raises:
        ConfigurationError: `settings.log_level` is no level of Python's logging.
    """
    level = _level(settings.log_level)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(settings.log_format == "json", sys.stderr))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # module-level loggers outlive a change of settings
    )


def _level(name: str) -> int:
    level = logging.getLevelNamesMapping().get(name.upper())
    if level is None:
        raise ConfigurationError(
            f"INGEST_LOG_LEVEL={name}: must be DEBUG, INFO, WARNING, ERROR or CRITICAL"
        )
    return level


def _shared() -> list[Processor]:
    """What happens to every event, wherever it was logged."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _formatter(as_json: bool, stream: TextIO) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *(_json() if as_json else _console(stream)),
        ],
    )


def _json() -> list[Processor]:
    return [
        structlog.processors.format_exc_info,
        structlog.processors.EventRenamer("message"),
        structlog.processors.JSONRenderer(serializer=_dump),
    ]


def _console(stream: TextIO) -> list[Processor]:
    return [
        structlog.dev.ConsoleRenderer(
            colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    ]


def _dump(event: Any, **_: Any) -> str:
    try:
        return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError:  # an integer beyond 64 bits, a lone surrogate
        return json.dumps(event, default=repr)
