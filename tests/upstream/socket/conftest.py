"""The log must stay quiet and free of secrets here too."""

from tests.upstream.conftest import _quiet_and_discreet_log

__all__ = ["_quiet_and_discreet_log"]
