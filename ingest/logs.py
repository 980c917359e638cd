"""Logging: one line an event on standard error, JSON or for a person, the trace id in each.

The standard library's loggers (aiohttp, arq, asyncpg, alembic) go the same way. Whatever is bound
with `structlog.contextvars.bind_contextvars` is in every line; `trace_id` is bound there.
"""

import json
import logging
import sys
import traceback
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import EventDict, ExcInfo, Processor

from ingest.environment import part_name, unknown_variables
from ingest.errors import ConfigurationError, IngestError, RequestError, Unavailable
from ingest.settings import Settings

_QUIET = (
    "aiohttp.access",  # the service logs its own requests
    "alembic",  # logs its own set-up; `ingest migrate` prints what was done
    "arq.worker",  # logs the arguments of every job at INFO
    "asyncio",
)
_MAX_CAUSES = 10


def configure(settings: Settings) -> None:
    """Set logging up for this process; the last call wins, but for loggers in use.

    Raises:
        ConfigurationError: `settings.log_level` is no level of Python's logging.
    """
    level = _level(settings.log_level)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(settings.log_format == "json", sys.stderr))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    stream, as_json = sys.stderr, settings.log_format == "json"
    structlog.configure(
        # Not by way of the standard library, which costs three times as much for each line.
        processors=[*_shared(), *(_json() if as_json else _console(stream))],
        logger_factory=lambda name=None: _NamedLogger(stream, name),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,  # or each line would make a logger of its own
    )
    _warn_of_unknown_variables()


def _warn_of_unknown_variables() -> None:
    """Log what looks like settings and is not, unless our parent has done so."""
    unknown = unknown_variables() if part_name() is None else {}
    for name, nearest in unknown.items():
        hint = {"nearest": nearest} if nearest else {}
        structlog.get_logger(__name__).warning("unknown setting", variable=name, **hint)


class _NamedLogger(structlog.WriteLogger):
    """Writes to a stream, and knows the name of its logger."""

    def __init__(self, stream: TextIO, name: str | None) -> None:
        super().__init__(stream)
        self.name = name


def _add_name(logger: Any, _: str, event: EventDict) -> EventDict:
    """`logger`, where it has a name; a standard library's logger is in its record."""
    record = event.get("_record")
    name = logger.name if record is None else record.name
    if name is not None:
        event["logger"] = name
    return event


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
        _add_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _formatter(as_json: bool, stream: TextIO) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_shared(), structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *(_json() if as_json else _console(stream)),
        ],
    )


def _json() -> list[Processor]:
    return [
        structlog.processors.ExceptionRenderer(_described),
        structlog.processors.EventRenamer("message"),
        structlog.processors.JSONRenderer(serializer=_dump),
    ]


def _console(stream: TextIO) -> list[Processor]:
    return [structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=_print)]


def _print(stream: TextIO, exc_info: ExcInfo) -> None:
    stream.write("\n" + _described(exc_info))


def _described(exc_info: ExcInfo) -> str:
    """Where an exception and its causes came from, and of what kind they are.

    Only the messages of the service and of the operating system are shown: those of drivers and of
    built-in exceptions quote values, and so what a client has sent.
    """
    described: list[str] = []
    error: BaseException | None = exc_info[1]
    while error is not None and len(described) < _MAX_CAUSES:
        frames = "".join(traceback.format_tb(error.__traceback__))
        described.insert(0, f"Traceback (most recent call last):\n{frames}{_kind(error)}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n\n".join(described)


def cause_of(error: BaseException) -> str:
    """The kind of what an exception was raised from, or its own, without its message."""
    return _kind(error.__cause__ or error)


def _kind(error: BaseException) -> str:
    kind = type(error)
    name = kind.__qualname__
    if kind.__module__ != "builtins":
        name = f"{kind.__module__}.{name}"
    if _is_plain(error):
        return f"{name}: {error}"
    state = getattr(error, "sqlstate", None)
    return f"{name}: SQLSTATE {state}" if state else name


def _is_plain(error: BaseException) -> bool:
    """Whether the message repeats nothing of a request."""
    if isinstance(error, RequestError):
        return isinstance(error, Unavailable)
    return isinstance(error, IngestError | OSError)


def _dump(event: Any, **_: Any) -> str:
    try:
        return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError:  # an integer beyond 64 bits, a lone surrogate
        return json.dumps(event, default=repr)
