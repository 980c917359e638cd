"""The endpoint benchmark itself, in its smallest form: the service and the floor, one cell each."""

from benchmarks import endpoints
from benchmarks.plan import KINDS, Cell
from benchmarks.reports import endpoints as report
from benchmarks.samples import SAMPLES


async def test_a_run_measures_and_counts_every_row() -> None:
    cells = [Cell("b", 10, 8), *(Cell("a", 10, 8, kind) for kind in KINDS)]
    cells += [Cell(letter, 10, 8, sample=each) for letter in "ab" for each in SAMPLES]
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
    assert len(results["cells"]) == len(KINDS) + len(SAMPLES) + 2
    assert all(cell["ofFloor"]["itemsPerSecond"] > 0 for cell in results["cells"].values())
    assert results["postgresql"]["fsync"] == results["postgresql"]["synchronous_commit"] == "on"
    shown = "\n".join(sheet.markdown() for sheet in report.sheets(results))
    assert "this service" in shown
    assert "void" not in shown
