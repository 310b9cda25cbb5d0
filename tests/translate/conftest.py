"""`HYPOTHESIS_PROFILE=deep` looks for longer; no example is timed, the machine may be busy."""

import os

from hypothesis import HealthCheck, settings

from tests.translate.captures import FOLDER

settings.register_profile("quick", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("deep", settings.get_profile("quick"), max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

collect_ignore = [] if FOLDER else ["test_real_captures.py"]
