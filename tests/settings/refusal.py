"""What the tests of this room share."""

import pytest

from settings import Settings, SettingsError


def refusal(**env: str) -> str:
    """The one line with which these settings are refused."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(env)
    message = str(caught.value)
    assert message.splitlines() == [message], "one line"
    return message
