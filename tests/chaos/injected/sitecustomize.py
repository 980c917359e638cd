"""Found by a Python that has this folder on PYTHONPATH: its service suffers CHAOS_FAULTS.

Each start of a part draws a sequence of its own, or a process that crashes would crash at the same
place again and never get on. CHAOS_STARTS is the folder in which the starts are counted.
"""

import itertools
import os
import sys
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))


def _seed() -> str:
    part = os.environ.get("INGEST_PART", "dev")
    for number in itertools.count(1):
        try:
            Path(os.environ["CHAOS_STARTS"], f"{part}-{number}").touch(exist_ok=False)
        except FileExistsError:
            continue
        return f"{os.environ['CHAOS_FAULTS_SEED']}/{part}/{number}"
    raise AssertionError


try:
    from tests.chaos.faults import parse_faults
    from tests.chaos.injection import install

    install(parse_faults(os.environ["CHAOS_FAULTS"], _seed()))
except Exception:  # noqa: BLE001 - whatever it is
    # Python itself only warns of a `sitecustomize` that fails, and goes on without it.
    traceback.print_exc()
    os._exit(70)
