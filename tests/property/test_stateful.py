"""The running service against the model: random batches, one at a time and several at once.

STATEFUL_STEPS says how many batches are sent (500 where it is not set). A failing run prints
every request of the shortest sequence that fails.
"""

import asyncio
import os
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from ingest.store.pool import Pool
from tests.harness import Service
from tests.property.batches import COLLECTIONS, requests
from tests.property.comparison import Desk, Mismatch
from tests.property.specification import Request

STEPS = int(os.environ.get("STATEFUL_STEPS", "500"))
_STEPS_OF_ONE_RUN = 40
_RUNS_BETWEEN_LOOKS = 5  # Hypothesis ends some runs early, so steps are counted
_SECONDS_OF_ONE_STEP = 0.1  # far more than one takes

_BATCHES = {name: requests(collection) for name, collection in COLLECTIONS.items()}


@pytest.mark.timeout(120 + STEPS * _SECONDS_OF_ONE_STEP)
async def test_the_service_does_what_the_model_says(service: Service, operator: Pool) -> None:
    loop = asyncio.get_running_loop()
    steps = 0

    class Machine(RuleBasedStateMachine):
        """Each run works in an account of its own, which begins empty."""

        @initialize(name=st.sampled_from(sorted(COLLECTIONS)))
        def begin(self, name: str) -> None:
            self.name = name
            self.desk: Desk = self.wait_for(Desk.open(service, operator, COLLECTIONS[name]))

        @rule(data=st.data())
        def one_client(self, data: st.DataObject) -> None:
            self.send([data.draw(_BATCHES[self.name])])

        @rule(data=st.data())
        def several_clients(self, data: st.DataObject) -> None:
            batches = st.lists(_BATCHES[self.name], min_size=2, max_size=4)
            self.send(data.draw(batches))

        def send(self, batches: list[Request]) -> None:
            nonlocal steps
            steps += len(batches)
            try:
                self.wait_for(self.desk.send(batches))
            except Mismatch as mismatch:
                hypothesis.note(self.desk.history())
                raise AssertionError(str(mismatch)) from None

        def wait_for(self, work: Any) -> Any:
            return asyncio.run_coroutine_threadsafe(work, loop).result(60)

    settings = hypothesis.settings(
        max_examples=_RUNS_BETWEEN_LOOKS,
        stateful_step_count=_STEPS_OF_ONE_RUN,
        deadline=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    while steps < STEPS:
        await asyncio.to_thread(run_state_machine_as_test, Machine, settings=settings)
