"""Run a program under cProfile, in processor time, from the first SIGUSR1 on (without its start).

python -m benchmarks.profiled OUTPUT MODULE [ARGUMENT …]
"""

import cProfile
import runpy
import signal
import sys
import time


def main() -> None:
    output, module, *arguments = sys.argv[1:]
    profiler = cProfile.Profile(time.process_time)
    signal.signal(signal.SIGUSR1, lambda *_: profiler.enable())
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        profiler.disable()
        profiler.dump_stats(output)


if __name__ == "__main__":
    main()
