"""Found by a Python that has this folder on PYTHONPATH: its clock is CHAOS_CLOCK_SHIFT seconds off.

Only the wall clock: the monotonic one, which time-outs use, knows no hour of the day.
"""

import os
import time

_shift = float(os.environ.get("CHAOS_CLOCK_SHIFT", "0"))
_time, _time_ns = time.time, time.time_ns
time.time = lambda: _time() + _shift
time.time_ns = lambda: _time_ns() + int(_shift * 1e9)
