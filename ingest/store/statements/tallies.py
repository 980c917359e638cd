"""SQL that keeps the declared summaries of a resource in `ingest.tallies`, and that counts anew.

Triggers of the resource's table keep them: one statement for each statement that changes items, in
its own transaction, whichever process runs it and whatever that process declares. Names of the
triggers have a digest of what they do, so another declaration gets other triggers, and is counted
anew.
"""

import hashlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from ingest.resources.columns import ColumnType
from ingest.resources.resource import Resource
from ingest.resources.summaries import Tally
from ingest.store.tables import ACCOUNT, COLLECTIONS, GROUP, literal, quote, table_name

_ROWS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "INSERT": ("NEW TABLE AS new_rows", 'SELECT 1 AS "$sign", n.* FROM new_rows n'),
        "UPDATE": (
            "OLD TABLE AS old_rows NEW TABLE AS new_rows",
            'SELECT 1 AS "$sign", n.* FROM new_rows n UNION ALL SELECT -1, o.* FROM old_rows o',
        ),
        "DELETE": ("OLD TABLE AS old_rows", 'SELECT -1 AS "$sign", o.* FROM old_rows o'),
    }
)
"""For each event, the rows that it gives a trigger: added ones count 1, those gone -1."""
_DELTAS = """SELECT account, sha256(convert_to(summary || value::text, 'UTF8')) AS digest,
        summary, value, items, total
    FROM ({changes}) changes"""
_KEEP = """INSERT INTO ingest.tallies AS t
        (account, digest, summary, value, items, total, collection)
    SELECT deltas.*, {collection} FROM ({deltas}) deltas ORDER BY digest
    ON CONFLICT (account, collection, digest)
    DO UPDATE SET items = t.items + excluded.items, total = t.total + excluded.total
    RETURNING t.digest, t.items"""
_FUNCTION = """CREATE FUNCTION {function}() RETURNS trigger
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS {body}"""
_BODY = """
DECLARE
    gone bytea[];
BEGIN
    WITH kept AS (
    {keep}
    )
    SELECT array_agg(kept.digest) INTO gone FROM kept WHERE kept.items <= 0;
    IF gone IS NOT NULL THEN
        DELETE FROM ingest.tallies t
        WHERE t.account IN (SELECT r.{account} FROM {rows} r) AND t.collection = {collection}
          AND t.digest = ANY (gone) AND t.items <= 0;
    END IF;
    RETURN NULL;
END """


def counted_anew(resource: Resource, names: Iterable[str], where: str) -> str:
    """A full count of stored items, by summary and value: columns as `ingest.tallies` has them.

    Args:
        where: which items `t`, in SQL.
    """
    rows = f'SELECT 1 AS "$sign", t.* FROM {table_name(resource)} t WHERE {where}'
    return _deltas(resource, names, rows)


def counted_of_groups(resource: Resource, names: Iterable[str]) -> str:
    """A full count of the items of account $1 that belong to one of the groups $2."""
    return counted_anew(resource, names, f't."{ACCOUNT}" = $1 AND t."{GROUP}" = ANY ($2::text[])')


def backfill(resource: Resource) -> str:
    """Counts what is stored already; needs a login that may see it."""
    deltas = counted_anew(resource, resource.summaries, "true")
    return _KEEP.format(collection=literal(resource.name), deltas=deltas)


def triggers(resource: Resource) -> dict[str, list[str]]:
    """The statements that make each trigger, by its name; none where nothing is summed up."""
    if not resource.summaries:
        return {}
    made = {}
    for event, (transition, _) in _ROWS.items():
        body = literal(_body(resource, event))
        digest = hashlib.blake2b(body.encode(), digest_size=8).hexdigest()
        name = f"summaries({event.lower()})~{digest}"
        function = function_name(resource, event)
        made[name] = [
            _FUNCTION.format(function=function, body=body),
            f"CREATE TRIGGER {quote(name)} AFTER {event} ON {table_name(resource)} "
            f"REFERENCING {transition} FOR EACH STATEMENT EXECUTE FUNCTION {function}()",
        ]
    return made


def function_name(resource: Resource, event: str) -> str:
    """The quoted name of what a trigger runs."""
    return f"{quote(COLLECTIONS)}.{quote(f'{resource.name}({event.lower()})')}"


EVENTS = tuple(_ROWS)


def _body(resource: Resource, event: str) -> str:
    rows = _ROWS[event][1]
    collection = literal(resource.name)
    return _BODY.format(
        keep=_KEEP.format(
            collection=collection, deltas=_deltas(resource, resource.summaries, rows)
        ),
        account=quote(ACCOUNT),
        rows="old_rows" if event != "INSERT" else "new_rows",
        collection=collection,
    )


def _deltas(resource: Resource, names: Iterable[str], rows: str) -> str:
    changes = " UNION ALL ".join(_changes(resource, name, rows) for name in names)
    return _DELTAS.format(changes=changes)


def _changes(resource: Resource, name: str, rows: str) -> str:
    """What `rows` change of one summary, by value; values that an update leaves cancel out."""
    summary = resource.summaries[name]
    fields = resource.counted(summary)
    columns = [f"r.{quote(field.column)}" for field in fields]
    account, count = f'r."{ACCOUNT}"', 'sum(r."$sign")'
    if isinstance(summary, Tally) and fields[0].type is ColumnType.JSONB:
        # Equal lists are summed up before they are taken apart. One that has a value twice counts
        # once.
        return f"""
    SELECT l.account, {literal(name)} AS summary, jsonb_build_array(e.element) AS value,
        sum(l.items)::bigint AS items, NULL::numeric AS total
    FROM (SELECT {account} AS account, {columns[0]} AS list, {count} AS items
          FROM ({rows}) r WHERE jsonb_typeof({columns[0]}) = 'array'
          GROUP BY {account}, {columns[0]} HAVING {count} <> 0) l
    CROSS JOIN LATERAL (SELECT DISTINCT jsonb_array_elements(l.list) AS element) e
    WHERE e.element <> 'null' GROUP BY l.account, e.element HAVING sum(l.items) <> 0"""
    total, where, having = "NULL::numeric", f"{columns[0]} IS NOT NULL", f"{count} <> 0"
    if not isinstance(summary, Tally):
        *columns, value = columns
        total, where = f'sum(r."$sign" * coalesce({value}, 0)::numeric)', "true"
        having += f" OR {total} <> 0"
    return f"""
    SELECT {account} AS account, {literal(name)} AS summary,
        jsonb_build_array({", ".join(columns)}) AS value, {count} AS items, {total} AS total
    FROM ({rows}) r WHERE {where} GROUP BY {account}, {", ".join(columns)} HAVING {having}"""
