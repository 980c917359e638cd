"""Whatever a commit fails with: it is counted, logged, and in no other batch's way."""

from collections.abc import AsyncIterator, Iterator, MutableMapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from arq import Retry
from structlog.testing import capture_logs

from ingest.settings import Settings
from ingest.store.pool import Pool
from tests.harness import REGISTRY, Service
from tests.store.conflicting import ID, MERGE
from workers.commit import Committer
from workers.settings import open_committer

# Of items that are marked; an item says which SQLSTATE.
_REFUSE = """
CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN RAISE EXCEPTION 'not today' USING ERRCODE = NEW.last_name; END$$;
CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON collections.contacts FOR EACH ROW
    WHEN (NEW.first_name = 'Poison') EXECUTE FUNCTION public.refuse()
"""
_CALL_WHAT_IS_GONE = """
CREATE FUNCTION public.call() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN PERFORM public.gone(); RETURN NEW; END$$;
CREATE TRIGGER call BEFORE INSERT ON collections.contacts FOR EACH ROW
    WHEN (NEW.first_name = 'Poison') EXECUTE FUNCTION public.call()
"""
_TAKE_LONG = """
CREATE FUNCTION public.take_long() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN PERFORM pg_sleep(60); RETURN NEW; END$$;
CREATE TRIGGER take_long BEFORE INSERT ON collections.contacts FOR EACH ROW
    WHEN (NEW.first_name = 'Poison') EXECUTE FUNCTION public.take_long()
"""
_ATTEMPTS = "SELECT state, attempts, error ->> 'reason' FROM ingest.batches WHERE id = $1"

Lines = list[MutableMapping[str, Any]]


def states() -> list[str]:
    """Two members of every class of SQLSTATEs that the driver knows, and one that it does not.

    The first and the last of each class; beside them those that were once taken for a proof.
    """
    known: dict[str, list[str]] = {}
    for kind in vars(asyncpg).values():
        state = getattr(kind, "sqlstate", None)
        if isinstance(kind, type) and isinstance(state, str) and len(state) == 5:
            known.setdefault(state[:2], []).append(state)
    ends = {end for of_class in known.values() for end in (min(of_class), max(of_class))}
    once = {
        "08006",
        "25P03",
        "3F000",
        "42703",
        "42883",
        "42P01",
        "53100",
        "55P03",
        "57014",
        "57P01",
    }
    return sorted((ends | once | {"ZZ999"}) - {"00000"})  # no error can have that


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, max_attempts=2)


@pytest.fixture(autouse=True)
def lines() -> Iterator[Lines]:
    """The log, which is not printed: that of a traceback takes longer than a worker's turn."""
    with capture_logs() as captured:
        yield captured


@pytest.fixture
async def refusing(operator: Pool) -> AsyncIterator[None]:
    """Contacts that are refused with an error of their choice; afterwards there is nothing of it.

    The tests share their database: a copy for each of so many would take longer than they do.
    """
    await run(operator, _REFUSE)
    yield
    await run(operator, "DROP FUNCTION public.refuse CASCADE")


async def run(operator: Pool, script: str) -> None:
    async with operator.connection() as connection:
        await connection.execute(script)


def contact(name: str, first_name: str = "Jo", last_name: str = "") -> dict[str, Any]:
    return {"email": f"{name}@example.com", "first_name": first_name, "last_name": last_name}


async def accepted(api: Service, *contacts: dict[str, Any], prefer: str = "") -> list[UUID]:
    """A batch of each, accepted in this order."""
    batches = []
    for each in contacts:
        reply = await api.post("contacts", [each], prefer=f"wait=0, {prefer}".rstrip(", "))
        assert reply.status == 202, reply.body
        batches.append(UUID(reply.body["metadata"]["batchId"]))
    return batches


async def became(operator: Pool, batch: UUID) -> tuple[str, int, str | None]:
    """State, attempts and the reason for operators."""
    async with operator.connection() as connection:
        row = await connection.fetchrow(_ATTEMPTS, batch)
    assert row is not None
    return tuple(row)  # type: ignore[return-value]  # its three columns


def logged(lines: Lines) -> list[tuple[str, type[BaseException]]]:
    """Of each line about a commit that failed: the cause, and of what kind its traceback is."""
    found = [line for line in lines if line["event"] == "commit failed"]
    return [(line["cause"], type(line["exc_info"])) for line in found]


@pytest.mark.usefixtures("refusing")
@pytest.mark.parametrize(
    ("state", "prefer"), [*((state, "") for state in states()), ("57P01", MERGE)]
)
async def test_an_error_of_any_kind_is_an_attempt_and_spoils_no_other_batch(
    api: Service, operator: Pool, committer: Committer, lines: Lines, state: str, prefer: str
) -> None:
    before, poison, behind = await accepted(
        api, contact("a"), contact("b", "Poison", state), contact("c"), prefer=prefer
    )

    await committer.commit_pending("acme", "contacts")  # the three of them, as a group
    assert await became(operator, before) == ("committed", 0, None)
    assert await became(operator, poison) == ("accepted", 1, None)
    assert await became(operator, behind) == ("committed", 0, None)
    (later,) = await accepted(api, contact("d"), prefer=prefer)
    await committer.commit_pending("acme", "contacts")
    assert await became(operator, later) == ("committed", 0, None)
    assert await became(operator, poison) == ("accepted", 1, None)

    await committer.commit("acme", poison, tries=2)  # the single path
    final, attempts, reason = await became(operator, poison)
    assert (final, attempts) == ("failed", 2)
    assert reason is not None
    assert "not today" in reason or state == "23505"  # taken for a conflict

    causes = logged(lines)
    assert len(causes) >= 2
    if state != "23505":
        assert {cause.rpartition(" ")[2] for cause, _ in causes} == {state}
    assert all(issubclass(kind, Exception) for _, kind in causes)


@pytest.mark.own_database
async def test_a_function_that_is_gone_is_no_missing_migration(
    api: Service, operator: Pool, committer: Committer, lines: Lines
) -> None:
    await run(operator, _CALL_WHAT_IS_GONE)
    poison, behind = await accepted(api, contact("a", "Poison"), contact("b"))
    await committer.commit_pending("acme", "contacts")
    assert await became(operator, behind) == ("committed", 0, None)
    await committer.commit("acme", poison, tries=2)
    final, attempts, reason = await became(operator, poison)
    assert (final, attempts) == ("failed", 2)
    assert reason is not None
    assert "public.gone() does not exist" in reason
    assert {cause for cause, _ in logged(lines)} == {
        "asyncpg.exceptions.UndefinedFunctionError: SQLSTATE 42883"
    }


@pytest.mark.own_database
async def test_a_missing_migration_is_named_and_no_attempt(
    api: Service, operator: Pool, committer: Committer, lines: Lines
) -> None:
    (batch,) = await accepted(api, contact("a"))
    await run(operator, "ALTER TABLE collections.contacts RENAME COLUMN age TO years")
    await committer.commit_pending("acme", "contacts")
    with pytest.raises(Retry):
        await committer.commit("acme", batch, tries=1)
    assert await became(operator, batch) == ("accepted", 0, None)
    assert {line["error"] for line in lines if line["event"] == "commit failed"} == {
        "ConfigurationError"
    }
    shown = await api.get("contacts")
    assert (shown.status, shown.error) == (503, (50301, "unavailable"))
    said = [line["error"] for line in lines if line["event"] == "not ready to serve"]
    assert said == [
        "the database is not migrated: run `ingest migrate`; it lacks collections.contacts.age"
    ]
    await run(operator, "ALTER TABLE collections.contacts RENAME COLUMN years TO age")
    await committer.commit("acme", batch, tries=2)
    assert await became(operator, batch) == ("committed", 0, None)


@pytest.mark.own_database
async def test_a_statement_that_runs_out_of_time_is_an_attempt(
    api: Service, operator: Pool, settings: Settings
) -> None:
    await run(operator, _TAKE_LONG)
    slow, behind = await accepted(api, contact("a", "Poison"), contact("b"))
    async with open_committer(replace(settings, commit_timeout=0.5), REGISTRY) as committer:
        await committer.commit_pending("acme", "contacts")
        assert await became(operator, slow) == ("accepted", 1, None)
        assert await became(operator, behind) == ("committed", 0, None)
        await committer.commit("acme", slow, tries=2)
    assert (await became(operator, slow))[:2] == ("failed", 2)


async def test_a_lock_of_another_transaction_is_no_attempt(
    api: Service, operator: Pool, settings: Settings
) -> None:
    """The server's own time-out says so; a trigger that says the same proves nothing."""
    (batch,) = await accepted(api, contact("a"))
    async with open_committer(replace(settings, commit_timeout=0.5), REGISTRY) as committer:
        async with operator.transaction() as connection:
            await connection.execute("LOCK TABLE collections.contacts IN EXCLUSIVE MODE")
            await committer.commit_pending("acme", "contacts")
            with pytest.raises(Retry):
                await committer.commit("acme", batch, tries=1)
            assert await became(operator, batch) == ("accepted", 0, None)
        await committer.commit("acme", batch, tries=2)
    assert await became(operator, batch) == ("committed", 0, None)


async def test_an_item_that_another_transaction_has_locked_is_in_no_other_batchs_way(
    api: Service, operator: Pool, settings: Settings
) -> None:
    stored = {**contact("a"), "id": ID(1)}
    async with open_committer(replace(settings, commit_timeout=0.5), REGISTRY) as committer:
        await accepted(api, stored, prefer=MERGE)
        await committer.commit_pending("acme", "contacts")
        async with operator.transaction() as connection:
            await connection.execute("SELECT FROM collections.contacts FOR UPDATE")
            before, locked, behind = await accepted(
                api, contact("b"), {**stored, "first_name": "Al"}, contact("c"), prefer=MERGE
            )
            await committer.commit_pending("acme", "contacts")
            assert await became(operator, before) == ("committed", 0, None)
            assert await became(operator, locked) == ("accepted", 0, None)
            assert await became(operator, behind) == ("committed", 0, None)
        await committer.commit_pending("acme", "contacts")
    assert await became(operator, locked) == ("committed", 0, None)


@pytest.mark.own_database
async def test_what_the_database_cannot_write_down_is_no_attempt(
    api: Service, operator: Pool, committer: Committer, lines: Lines
) -> None:
    """On a full disk, the attempt can be counted as little as the items can be written."""
    await run(operator, _REFUSE)
    await run(
        operator,
        """
        CREATE FUNCTION public.full_disk() RETURNS trigger LANGUAGE plpgsql AS
            $$BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = 'disk_full'; END$$;
        CREATE TRIGGER full_disk BEFORE UPDATE ON ingest.batches
            FOR EACH ROW EXECUTE FUNCTION public.full_disk()
        """,
    )
    (batch,) = await accepted(api, contact("a", "Poison", "53100"))
    for tries in (1, 2, 3):
        with pytest.raises(Retry):
            await committer.commit("acme", batch, tries)
    assert await became(operator, batch) == ("accepted", 0, None)
    assert [
        line["cause"] for line in lines if line["event"] == "a failed commit is not counted"
    ] == ["asyncpg.exceptions.DiskFullError: SQLSTATE 53100"] * 3
    await run(operator, "DROP FUNCTION public.full_disk, public.refuse CASCADE")
    await committer.commit("acme", batch, tries=4)
    assert await became(operator, batch) == ("committed", 0, None)


async def test_a_row_that_cannot_be_read_is_in_no_others_way(
    api: Service, operator: Pool, committer: Committer
) -> None:
    """Such as one that was accepted by a version that knows more options."""
    before, strange, behind = await accepted(api, contact("a"), contact("b"), contact("c"))
    async with operator.connection() as connection:
        await connection.execute(
            """UPDATE ingest.batches SET options = '{"resolution": "unheard of"}' WHERE id = $1""",
            strange,
        )
    await committer.commit_pending("acme", "contacts")
    assert await became(operator, before) == ("committed", 0, None)
    assert await became(operator, strange) == ("accepted", 1, None)
    assert await became(operator, behind) == ("committed", 0, None)
    await committer.commit("acme", strange, tries=2)
    assert (await became(operator, strange))[:2] == ("failed", 2)
