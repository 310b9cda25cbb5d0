"""What a version before left on the disk and in a Redis is read as that version read it.

Each fixture was made by that version, see its README; the service runs at the time at which it was made.
"""

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.redis_server import RedisServer, needs_redis
from tests.service.e2e.processes import PREFIX, Pair, Reply, ask, service_over_simulator

FIXTURE = Path(__file__).parents[2] / "fixtures" / "state" / "before-house"
ALICE, BOB, CAROL, DAVE, ERIN = (
    f"fk-{name}-of-the-fixture" for name in ("alice", "bob", "carol", "dave", "erin")
)
ADMIN = "token-of-the-admin"
NOON, AFTERNOON = 2527243200.0, 2527254000.0
"""31 January 2050, 12:00 and 15:00 UTC."""
DAYS = "start_date=2050-01-28&end_date=2050-01-31"
DAY = f"start_date=2050-01-31&end_date=2050-01-31"
SET_CLOCK = (
    "import runpy, sys, time; real, begin, shown = time.time, time.time(), float(sys.argv[1]); "
    "time.time = lambda: real() - begin + shown; sys.argv = sys.argv[2:]; "
    "runpy.run_path(sys.argv[0], run_name='__main__')"
)
"""For `python -c`: runs a script as if it began at the Unix time in the first argument."""
