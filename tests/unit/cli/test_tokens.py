"""`ingest token …`: what it hands on and prints."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from click.testing import Result

from ingest.store import tokens
from tests.unit.cli.running import complaint, ingest

ID = UUID("0193aaaa-0000-7000-8000-000000000001")
MOMENT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def test_a_token_is_alone_on_standard_output(store: None, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []

    async def create(*arguments: object, **options: object) -> tuple[UUID, str]:
        given.extend([*arguments, options])
        return ID, "secret"

    monkeypatch.setattr(tokens, "create_token", create)
    options = "--account acme --name feed --role reader --group a --group b --expires 2126-01-31"
    result = ingest("token", "create", *options.split(), "--dialect", "collection")
    assert result.stdout == "secret\n"
    assert str(ID) in result.stderr
    options_given = {"role": "reader", "groups": ("a", "b"), "dialect": "collection"}
    assert given == [None, "acme", "feed", datetime(2126, 1, 31, tzinfo=UTC), options_given]


def test_a_group_that_cannot_be_is_one_line(store: None) -> None:
    for name in ("", "g" * 256):
        refused = ingest("token", "create", "--account", "acme", "--group", name)
        assert complaint(refused) == "the name of a group has 1 to 255 bytes"
        assert refused.stdout == ""


def listed(monkeypatch: pytest.MonkeyPatch, *found: tokens.Token) -> Result:
    async def read(pool: object, account: str | None) -> list[tokens.Token]:
        return [each for each in found if account in (None, each.account)]

    monkeypatch.setattr(tokens, "list_tokens", read)
    return ingest("token", "list", "--account", "acme")


def test_tokens_are_listed_as_tab_separated_values(
    store: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = listed(
        monkeypatch,
        tokens.Token(
            ID, "acme", "a\tfeed", "writer", ["a", "b"], "data", MOMENT, None, None, MOMENT
        ),
        tokens.Token(ID, "other", "", "reader", [], None, MOMENT, None, None, None),
    )
    assert result.stdout.splitlines() == [
        "id\taccount\tname\trole\tgroups\tdialect\tcreated\texpires\tlast used\trevoked",
        f"{ID}\tacme\ta feed\twriter\ta, b\tdata\t2026-11-22T10:00:00Z\t\t\t2026-11-22T10:00:00Z",
    ]


@pytest.mark.parametrize("found", [True, False])
def test_revoking(found: bool, store: None, monkeypatch: pytest.MonkeyPatch) -> None:
    async def revoke(pool: object, id_: UUID) -> bool:
        assert id_ == ID
        return found

    monkeypatch.setattr(tokens, "revoke_token", revoke)
    result = ingest("token", "revoke", str(ID))
    if found:
        assert (result.exit_code, result.stdout) == (0, "")
    else:
        assert complaint(result) == f"there is no token {ID} that could be revoked"


def test_a_dialect_that_does_not_exist_is_refused(store: None) -> None:
    refused = ingest("token", "create", "--account", "acme", "--dialect", "nope")
    assert refused.exit_code == 2
    assert refused.stdout == ""
