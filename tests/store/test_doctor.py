"""`ingest doctor`: what it finds in a database, what it says of it, and what it mends."""

import asyncio
import json

import asyncpg
import pytest
from click.testing import Result

from ingest.settings import Settings
from ingest.store.pool import Pool
from tests.databases import execute
from tests.harness import Service
from tests.unit.cli.running import ingest

PEOPLE = [
    {"email": f"{name}@example.com", "first_name": name, "tags": ["vip", "new"]}
    for name in ("ann", "bob", "cid")
]
HOUR_OLD = "now() - interval '1 hour'"
BATCH = """
INSERT INTO ingest.batches (id, account, collection, action, options, trace_id, received, {columns})
VALUES (gen_random_uuid(), 'acme', 'deals', 'create', '{{}}', 't', 1, {values});
"""


def batch(**columns: str) -> str:
    """SQL for one more batch of deals, an hour old."""
    given = {"created_at": HOUR_OLD, **columns}
    return BATCH.format(columns=", ".join(given), values=", ".join(given.values()))


@pytest.fixture(autouse=True)
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGEST_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("INGEST_REDIS_URL", settings.redis_url)


async def doctor(*options: str) -> Result:
    return await asyncio.to_thread(ingest, "doctor", *options)


async def lines(*options: str) -> list[str]:
    """What it finds, which is to be seen to."""
    result = await doctor(*options)
    assert result.exit_code == 1, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.stdout.splitlines()


async def test_a_sound_service_has_no_findings(service: Service) -> None:
    assert (await service.post("contacts", PEOPLE)).status == 201
    result = await doctor()
    assert (result.exit_code, result.stdout) == (0, ""), result.output
    assert result.stderr == "ingest doctor: nothing is wrong\n"
    result = await doctor("--json", "--quick")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"findings": [], "leftOut": ["counters", "summaries"]}


async def test_counters_and_summaries_that_sql_made_wrong_are_mended(
    service: Service, operator: Pool, settings: Settings
) -> None:
    await service.post("contacts", PEOPLE)
    await service.post("deals", [{"title": "one", "value": "1"}])
    await execute(
        settings.database_url,
        """
        SET session_replication_role = replica;
        DELETE FROM collections.contacts WHERE first_name <> 'ann';
        RESET session_replication_role;
        INSERT INTO collections.airports ("$account", "$batch", "$created_at", "$updated_at", iata)
        VALUES ('o|d', gen_random_uuid(), now(), now(), 'AAA');
        INSERT INTO ingest.counters (account, collection, items) VALUES ('acme', 'gone', 7)
        """,
    )
    assert await lines() == [
        "airports of account o|d: counted as 0 items, and 1 stored; run `ingest doctor --mend`",
        "contacts of account acme: counted as 3 items, and 1 stored; run `ingest doctor --mend`",
        "gone of account acme: counted as 7 items, and there is no such table; "
        "run `ingest doctor --mend`",
        "contacts of account acme: 2 values of its summaries not as the items are; "
        "run `ingest doctor --mend`",
    ]
    assert await service.count("contacts") == 3
    assert (await doctor("--quick")).exit_code == 0

    mended = await doctor("--mend", "--json")
    assert mended.exit_code == 0
    findings = json.loads(mended.stdout)["findings"]
    assert [(each["check"], each["mended"]) for each in findings] == [
        *[("counters", True)] * 3,
        ("summaries", True),
    ]
    assert (await doctor()).exit_code == 0
    assert await service.count("contacts") == 1
    reply = await service.get("contacts", params={"select": "tags"})
    assert reply.body["tags"] == [{"name": "new", "count": 1}, {"name": "vip", "count": 1}]
    # The versions of what SQL has deleted do not return either.
    again = await service.post("contacts", [PEOPLE[1]], params={"select": "meta"})
    assert again.body["data"][0]["meta"]["version"] > 1_000_000


async def test_what_is_stuck_or_left_is_named_with_its_remedy(
    service: Service, settings: Settings
) -> None:
    await execute(
        settings.database_url,
        "SET ingest.account = 'acme';"
        + batch(state="'receiving'", heartbeat_at=HOUR_OLD)
        + batch(state="'receiving'", heartbeat_at="now()")
        + batch(
            state="'failed'",
            accepted_at=HOUR_OLD,
            finished_at=HOUR_OLD,
            error="""'{"message": "could not", "reason": "no\\troom"}'""",
        )
        + batch(
            state="'committed'",
            accepted_at="now() - interval '2 days'",
            finished_at="now() - interval '2 days'",
            idempotency_key="'k'",
            fingerprint="sha256('')",
        ),
    )
    found = await lines("--quick")
    assert [line.partition("; ")[0] for line in found[:1]] == [
        "deals of account acme: 1 batch still receiving, and nothing has arrived for more than "
        "5 minutes",
    ]
    assert "`maintenance failed`" in found[0]
    assert found[1].startswith("deals of account acme: 1 batch could not be committed, the last 1 ")
    assert "could not: no\\troom" in found[1]
    assert "`ingest batches retry ID`" in found[1]
    assert found[2].startswith("ingest.batches: still has answers or idempotency keys of 1 batches")
    assert len(found) == 3


async def test_batches_that_no_worker_commits_are_found(api: Service, settings: Settings) -> None:
    await execute(settings.database_url, batch(state="'accepted'", accepted_at=HOUR_OLD) * 2)
    [line] = await lines("--quick")
    assert line.startswith("deals of account acme: 2 batches accepted and not committed, the first")
    assert "`ingest worker`" in line


@pytest.mark.own_database
async def test_a_database_that_takes_no_writes_is_found(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = settings.database_url.rpartition("/")[2]
    set_it = f"ALTER DATABASE {name} SET default_transaction_read_only = on"
    await execute(settings.database_url, set_it)
    (found,) = await lines("--quick")
    assert found.startswith("the database: takes no writes: ")
    monkeypatch.setenv("INGEST_READ_ONLY", "true")
    result = await doctor("--quick")
    assert (result.exit_code, result.stdout) == (0, "")


@pytest.mark.own_database
async def test_what_is_wrong_with_the_schema_is_found(settings: Settings) -> None:
    await execute(
        settings.database_url,
        """
        UPDATE pg_index SET indisvalid = false
        WHERE indexrelid = 'collections."contacts($group)"'::regclass;
        ALTER TABLE collections.deals DISABLE TRIGGER USER, NO FORCE ROW LEVEL SECURITY;
        ALTER TABLE collections.airports DROP COLUMN city;
        UPDATE ingest.schema_version SET version_num = '9999'
        """,
    )
    found = await lines("--quick")
    assert found[0] == "collections.airports.city: is missing; run `ingest migrate`"
    assert found[1].startswith("ingest.schema_version: is 9999, and this release knows none after ")
    assert found[2].endswith('run `REINDEX INDEX CONCURRENTLY collections."contacts($group)"`')
    assert all("ENABLE TRIGGER" in line for line in found[3:6])
    assert found[6].startswith("collections.deals: has no forced row-level security")
    assert len(found) == 7


async def test_a_table_that_cannot_be_counted_hides_no_other(settings: Settings) -> None:
    counters = "('acme', 'airports', 1), ('acme', 'contacts', 1)"
    await execute(
        settings.database_url,
        f"INSERT INTO ingest.counters (account, collection, items) VALUES {counters}",
    )
    connection = await asyncpg.connect(settings.database_url)
    try:
        async with connection.transaction():
            await connection.execute(
                "LOCK TABLE collections.airports; SET LOCAL ingest.account = 'acme'"
            )
            found = await lines("--timeout", "1")
    finally:
        await connection.close()
    assert found == [
        "airports: takes too long to count; give each statement longer, by `--timeout`, or do it "
        "in a quiet hour",
        "contacts of account acme: counted as 1 item, and 0 stored; run `ingest doctor --mend`",
    ]


async def test_a_database_that_is_not_migrated_is_one_kind_of_finding(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INGEST_DATABASE_URL", empty_database)
    found = await lines()
    assert {line.partition(": ")[2] for line in found} == {"is missing; run `ingest migrate`"}
    assert len(found) == 4


@pytest.mark.parametrize(
    ("variable", "url", "finding"),
    [
        ("INGEST_DATABASE_URL", "postgresql://127.0.0.1:9/x", "PostgreSQL: does not answer; "),
        ("INGEST_REDIS_URL", "redis://127.0.0.1:9", "Redis: does not answer; "),
    ],
)
async def test_a_server_that_is_away_is_a_finding(
    variable: str, url: str, finding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, url)
    found = await lines()
    assert [line[: len(finding)] for line in found] == [finding]


async def test_what_leaves_out_counts_cannot_mend_them() -> None:
    result = await doctor("--quick", "--mend")
    assert result.exit_code == 2
    assert "--quick leaves out what --mend mends" in result.stderr
