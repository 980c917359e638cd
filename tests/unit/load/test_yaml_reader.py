"""YAML files: sent as JSON."""

from tests.unit.load.files import read


def test_yaml_becomes_json_without_losing_a_digit() -> None:
    content = "- a: 1.10000000000000000001\n  b: no\n- {a: 2026-11-22}\n"
    assert read(content, "yaml") == [
        (None, '{"a":1.10000000000000000001,"b":"no"}'),
        (None, '{"a":"2026-11-22"}'),
    ]
