"""`python -m workers`: one worker process, until SIGTERM or SIGINT."""

import asyncio
import signal
import sys

import structlog
import uvloop
from arq.worker import Worker
from redis.exceptions import RedisError

from ingest import logs, metrics
from ingest.errors import ConfigurationError
from ingest.resources.registry import Registry, load_registry
from ingest.settings import Settings, read_settings
from ingest.tasks import end
from workers.retention import retain
from workers.settings import create_worker, open_committer
from workers.sweep import sweep

log = structlog.get_logger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


async def run(settings: Settings, registry: Registry) -> None:
    """Work until a signal; transactions under way are finished first."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_committer(settings, registry) as committer:
        watching = [
            asyncio.create_task(sweep(committer)),
            asyncio.create_task(retain(settings, committer.pool)),
        ]
        log.info("working", collections=list(registry))
        pause = _FIRST_PAUSE
        while not stop.is_set():
            started = asyncio.get_running_loop().time()
            try:
                await work(create_worker(committer), stop, settings.shutdown_timeout)
            except (RedisError, OSError, TimeoutError) as error:
                if asyncio.get_running_loop().time() - started > _LONGEST_PAUSE:
                    pause = _FIRST_PAUSE
                log.warning("redis is away", error=type(error).__name__, again_in=pause)
                await _pause(stop, pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
        await end(watching)


async def work(worker: Worker, stop: asyncio.Event, grace: float) -> None:
    """Run an arq worker until `stop`, then let its jobs finish within `grace` seconds."""
    polling = worker.main_task = asyncio.create_task(worker.main())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({polling, stopping}, return_when=asyncio.FIRST_COMPLETED)
        # arq's way to say: no more jobs, and end when those that run have ended.
        worker.burst, worker.max_burst_jobs = True, 0
        await asyncio.wait({polling, *worker.tasks.values()}, timeout=grace)
        if polling.done():
            polling.result()  # raises what ended it
    finally:
        await end([polling, stopping, *worker.tasks.values()])
        await worker.pool.aclose(close_connection_pool=True)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


def main() -> int:
    try:
        settings = read_settings()
        logs.configure(settings)
        registry = load_registry(settings.resources)
        metrics.prepare_worker(registry)
        if settings.worker_metrics_port:
            metrics.serve(settings.host, settings.worker_metrics_port)
    except ConfigurationError as error:
        print(f"ingest: {error}", file=sys.stderr)  # noqa: T201 - the command's one line
        return 1
    uvloop.run(run(settings, registry))
    return 0


if __name__ == "__main__":
    sys.exit(main())
