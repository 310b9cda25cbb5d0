"""All settings of the service, read from the environment once, typed and checked."""

from settings.errors import SettingsError
from settings.settings import Settings

__all__ = ["Settings", "SettingsError"]
