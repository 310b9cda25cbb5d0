"""All settings of the service, read from the environment once, typed and checked."""

from settings.errors import SettingsError
from settings.settings import Settings
from settings.table import ALIASES

__all__ = ["ALIASES", "Settings", "SettingsError"]
