"""Where resources are found, and what is said where they are not."""

import sys
from pathlib import Path

import pytest
from marshmallow import Schema, fields

from ingest import Resource
from ingest.errors import ConfigurationError
from ingest.resources import places
from ingest.resources.registry import Registry, load_registry


def test_two_resources_of_one_name_are_refused() -> None:
    schema = Schema.from_dict({"a": fields.String()})
    one, other = Resource("things", schema), Resource("things", schema)
    with pytest.raises(ConfigurationError, match="'things'"):
        Registry([one, other])
    assert list(Registry([one, one])) == ["things"]
    with pytest.raises(ConfigurationError, match="no Resource"):
        Registry([])


CRM = """
from marshmallow import Schema, fields
from ingest import Resource

class Thing(Schema):
    a = fields.String()

things = Resource("things", Thing)
also_things = things
_more = Resource("more", Thing)
"""


def test_resources_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "crm.py").write_text(CRM)
    assert sorted(load_registry(str(tmp_path / "crm.py"))) == ["more", "things"]
    monkeypatch.chdir(tmp_path)
    assert sorted(load_registry("./crm.py")) == ["more", "things"]
    assert sorted(load_registry("crm.py")) == ["more", "things"]


def test_resources_of_a_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "qa_shop"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "crm.py").write_text(CRM)
    monkeypatch.syspath_prepend(tmp_path)
    assert sorted(load_registry("qa_shop.crm")) == ["more", "things"]
    for name in [name for name in sys.modules if name.startswith("qa_shop")]:
        monkeypatch.delitem(sys.modules, name)


def test_the_examples_are_served_without_it() -> None:
    assert sorted(load_registry("ingest.examples")) == ["airports", "contacts", "deals"]


NESTED = CRM.replace("a = fields.String()", "a = fields.Nested(lambda: Missing)")
LATER = CRM.replace("also_things", "broken = Thing(only=['b'])\nalso_things")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1", "INGEST_RESOURCES={file}: it defines no Resource"),
        ("\nsyntax error", "{file}:2: SyntaxError: invalid syntax"),
        ("\nif 1:\nx = 1", "{file}:3: IndentationError: "),
        ("import not_installed_anywhere", "{file}:1: ModuleNotFoundError: "),
        ("x = 1\ndef f():\n    1 / 0\nf()", "{file}:3: ZeroDivisionError: division by zero"),
        ("raise ValueError('one\\n  two')", "{file}:1: ValueError: one two"),
        ("raise SystemExit('no')", "{file}:1: SystemExit: no"),
        (LATER, "{file}:9: ValueError: Invalid fields for "),
        (CRM.replace('"things", Thing', '"things", Thing, key="b"'), "{file}:8: resource 'things'"),
        (NESTED, "{file}:6: NameError: name 'Missing' is not defined"),
        (CRM.replace('"more"', '"things"'), "{file}:10: two resources are called 'things'"),
    ],
)
def test_a_file_that_cannot_be_served_is_explained(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "crm.py"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        load_registry(str(file))
    message = str(raised.value)
    assert message.startswith(said.format(file=file))
    assert "\n" not in message


def test_an_error_of_a_module_beside_the_file_names_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "qa_types.py").write_text("from marshmallow import fields\n\nfields.Strnig()\n")
    (tmp_path / "crm.py").write_text("import qa_types")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=r"^qa_types\.py:3: AttributeError: "):
        load_registry("./crm.py")


def test_an_installed_module_is_named_and_not_the_library_that_it_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "qa_installed.py").write_text(LATER)
    monkeypatch.setattr(places, "INSTALLED", (*places.INSTALLED, str(tmp_path)))
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigurationError, match=r"qa_installed\.py:9: ValueError: "):
        load_registry("qa_installed")


@pytest.mark.parametrize("location", ["./nowhere.py", "nowhere_at_all", "ingest.nowhere", ".", ""])
def test_a_place_where_nothing_is(location: str) -> None:
    with pytest.raises(ConfigurationError):
        load_registry(location)


def test_r11_databases_have_the_numbers_that_resources_declare_or_their_places() -> None:
    schema = Schema.from_dict({"a": fields.String()})
    first, fixed = Resource("first", schema), Resource("fixed", schema, rpc_id=1)
    last = Resource("last", schema)
    assert Registry([first, fixed, last]).databases == {1: fixed, 2: first, 3: last}
    with pytest.raises(ConfigurationError, match="'fixed' and 'other' both have the rpc_id 1"):
        Registry([fixed, Resource("other", schema, rpc_id=1)])
    with pytest.raises(ConfigurationError, match="rpc_resources"):
        Resource("none", schema, rpc_resources=())
