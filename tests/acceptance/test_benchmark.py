"""The endpoint benchmark itself, in its smallest form: the service and the floor, one cell each."""

from benchmarks import endpoints
from benchmarks.plan import Cell
from benchmarks.reports import endpoints as report


async def test_a_run_measures_and_counts_every_row() -> None:
    cells = [Cell("a", 10, 8), Cell("a", 10, 8, True), Cell("b", 10, 8)]
    cells.append(Cell("a", 10, 8, full=True))
    results = await endpoints.run(cells, rounds=1, seconds=0.2, minutes=5, seed=1)
    for cell in results["cells"].values():
        assert cell["errors"] == []
        assert cell["rows"] == cell["items"] > 0
        assert not cell["void"]
    assert results["cells"]["a 10x8"]["cpuMicroseconds"].keys() == {
        "client",
        "api",
        "worker",
        "postgres",
        "redis",
    }
    for name in ("a 10x8", "a 10x8 bad", "a 10x8 default", "b 10x8"):
        assert results["cells"][name]["ofFloor"]["itemsPerSecond"] > 0
    assert results["postgresql"]["fsync"] == results["postgresql"]["synchronous_commit"] == "on"
    shown = "\n".join(sheet.markdown() for sheet in report.sheets(results))
    assert "this service" in shown
    assert "void" not in shown
