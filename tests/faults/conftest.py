"""Asserts of the modules that check cells say what they have compared."""

import pytest

pytest.register_assert_rewrite("tests.faults.checks")
