"""Settings that contradict each other are refused, and both are named."""

import pytest

from settings import Settings
from tests.settings.refusal import refusal

CONTRADICTIONS: dict[str, dict[str, str]] = {
    "headers later than the limit of the first byte": {
        "STREAM_HEADERS_AFTER": "30",
        "FIRST_BYTE_TIMEOUT": "20",
    },
    "whole answer shorter than its first byte": {"TOTAL_TIMEOUT": "60", "FIRST_BYTE_TIMEOUT": "90"},
    "less room than one file may take": {"MEDIA_MAX_FILE_BYTES": "2048", "MEDIA_MAX_TOTAL_BYTES": "2047"},
    "less room for all bodies than one may take": {
        "MAX_BODY_BYTES": "3001",
        "MAX_BUFFERED_BYTES": "4000",
    },
    "address of the API in place of the root": {"BASE_URL": "http://x/backend-api"},
    "address of the v1 in place of the root": {"BASE_URL": "http://x/v1/"},
}


@pytest.mark.parametrize("env", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_contradiction_names_what_to_change(env: dict[str, str]) -> None:
    message = refusal(**env)
    assert all(name in message for name in env)


def test_settings_at_the_edge_of_a_contradiction_are_fine() -> None:
    Settings.from_env({"STREAM_HEADERS_AFTER": "20", "FIRST_BYTE_TIMEOUT": "20", "TOTAL_TIMEOUT": "20"})
    Settings.from_env({"MAX_BODY_BYTES": "3000", "MAX_BUFFERED_BYTES": "4000"})
