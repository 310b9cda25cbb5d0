"""The one error of this room."""


class SettingsError(ValueError):
    """A setting is malformed or contradicts another one.

    Its text is one line that names the setting and says what to write instead. It never holds a secret.
    """
