"""What one event looks like on standard error."""

import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from ingest.errors import ConfigurationError, Unavailable, UnknownBatch
from ingest.logs import configure
from ingest.settings import Settings


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    """Leave the process's logging as it was."""
    root = logging.getLogger()
    before = (root.level, list(root.handlers), structlog.get_config())
    loggers = root.manager.loggerDict
    levels = {name: logging.getLogger(name).level for name in loggers}
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    structlog.configure(**before[2])
    structlog.contextvars.clear_contextvars()
    for name in list(loggers):
        logging.getLogger(name).setLevel(levels.get(name, logging.NOTSET))


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    """The JSON lines on standard error since the last call."""

    def read() -> list[dict[str, Any]]:
        captured = capsys.readouterr()
        assert captured.out == ""
        return [json.loads(line) for line in captured.err.splitlines()]

    return read


def settings(**given: Any) -> Settings:
    return Settings(database_url="postgresql://", redis_url="redis://", **given)


def test_a_variable_that_is_no_setting_is_a_line_of_the_first_process(
    lines: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INGEST_MAX_ITMES", "5")
    configure(settings())
    monkeypatch.setenv("INGEST_PART", "api-1")
    configure(settings())
    (event,) = lines()
    assert (event["message"], event["level"]) == ("unknown setting", "warning")
    assert (event["variable"], event["nearest"]) == ("INGEST_MAX_ITMES", "INGEST_MAX_ITEMS")


def test_an_event_is_one_json_line(lines: Callable[[], list[dict[str, Any]]]) -> None:
    configure(settings())
    structlog.get_logger("ingest.test").info("batch committed", items=3)
    (event,) = lines()
    age = datetime.now(UTC) - datetime.fromisoformat(event.pop("timestamp"))
    assert abs(age.total_seconds()) < 60
    assert event == {
        "message": "batch committed",
        "items": 3,
        "level": "info",
        "logger": "ingest.test",
    }


def test_the_trace_id_is_in_every_line(lines: Callable[[], list[dict[str, Any]]]) -> None:
    configure(settings())
    structlog.contextvars.bind_contextvars(trace_id="abc")
    structlog.get_logger().info("ours")
    logging.getLogger("aiohttp.server").warning("theirs")
    assert [event["trace_id"] for event in lines()] == ["abc", "abc"]


def test_a_standard_logger_says_the_same_as_ours(
    lines: Callable[[], list[dict[str, Any]]],
) -> None:
    configure(settings())
    logging.getLogger("asyncpg.pool").info("closing %s", "now", extra={"connections": 2})
    (event,) = lines()
    assert (event["message"], event["logger"], event["connections"]) == (
        "closing now",
        "asyncpg.pool",
        2,
    )


def test_an_exception_stays_on_its_line(lines: Callable[[], list[dict[str, Any]]]) -> None:
    configure(settings())
    try:
        raise Unavailable("the database is away")
    except Unavailable:
        structlog.get_logger().exception("it broke")
    (event,) = lines()
    assert event["exception"].endswith("ingest.errors.Unavailable: the database is away")
    assert "in test_an_exception_stays_on_its_line" in event["exception"]


SECRET = "zsecretz"


class DriverError(Exception):
    sqlstate = "23505"


def quote_an_item() -> None:
    try:
        int(SECRET)
    except ValueError as error:
        try:
            raise DriverError(f"Key (email)=({SECRET}) already exists") from error
        except DriverError:
            raise UnknownBatch(f"There is no batch {SECRET!r}")  # noqa: B904 - in its context


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_what_exceptions_quote_is_not_logged(
    capsys: pytest.CaptureFixture[str], log_format: str
) -> None:
    configure(settings(log_format=log_format))
    for logger in (structlog.get_logger(), logging.getLogger("aiohttp.server")):
        try:
            quote_an_item()
        except UnknownBatch:
            logger.exception("it broke")
        logged = capsys.readouterr().err
        assert SECRET not in logged
        kinds = ["ValueError", "DriverError: SQLSTATE 23505", "ingest.errors.UnknownBatch"]
        places = [logged.index(kind) for kind in kinds]
        assert places == sorted(places), "the cause comes first"
        assert "in quote_an_item" in logged


@pytest.mark.parametrize(
    "value",
    [object(), {1: 2}, b"\xff", 2**70, "\ud800"],
    ids=["object", "number as key", "bytes", "beyond 64 bits", "lone surrogate"],
)
def test_any_value_can_be_logged(lines: Callable[[], list[dict[str, Any]]], value: object) -> None:
    configure(settings())
    structlog.get_logger().info("odd", value=value)
    assert lines()[0]["message"] == "odd"


def test_arguments_of_jobs_are_not_logged(lines: Callable[[], list[dict[str, Any]]]) -> None:
    configure(settings())
    logging.getLogger("arq.worker").info("commit('secret')")
    logging.getLogger("arq.worker").warning("slow")
    assert [event["message"] for event in lines()] == ["slow"]


def test_the_level_decides(lines: Callable[[], list[dict[str, Any]]]) -> None:
    configure(settings(log_level="warning"))
    structlog.get_logger().info("small")
    structlog.get_logger().warning("large")
    assert [event["message"] for event in lines()] == ["large"]


def test_console_lines_are_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    configure(settings(log_format="console"))
    structlog.get_logger().info("part restarted", part="api 1")
    line = capsys.readouterr().err
    assert "part restarted" in line
    assert "part='api 1'" in line
    assert "\x1b" not in line


def test_an_unknown_level_is_named() -> None:
    with pytest.raises(ConfigurationError, match="INGEST_LOG_LEVEL=LOUD"):
        configure(settings(log_level="LOUD"))


def test_configuring_twice_logs_once(lines: Callable[[], list[dict[str, Any]]]) -> None:
    configure(settings())
    configure(settings())
    structlog.get_logger().info("once")
    assert len(lines()) == 1
