"""All settings, in one typed place."""

from settings.table import Settings, SettingsError

__all__ = ["Settings", "SettingsError"]
