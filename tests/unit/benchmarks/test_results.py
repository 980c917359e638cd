"""Results on the page."""

from pathlib import Path

import pytest

from benchmarks import results


def test_a_run_replaces_its_own_part_of_its_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- growth -->\nold\n<!-- /growth -->\nafter\n")
    monkeypatch.setattr(results, "PAGES", dict.fromkeys(results.PAGES, page))
    results.replace_part("growth", r"new \1")
    assert page.read_text() == "before\n<!-- growth -->\nnew \\1\n<!-- /growth -->\nafter\n"
    with pytest.raises(RuntimeError, match="no place for endpoints"):
        results.replace_part("endpoints", "new")


def test_the_pages_have_a_place_for_every_benchmark() -> None:
    for name, path in results.PAGES.items():
        page = path.read_text(encoding="utf-8")
        assert page.count(f"<!-- {name} -->") == page.count(f"<!-- /{name} -->") == 1
