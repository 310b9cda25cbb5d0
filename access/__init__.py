"""Who is let in: this machine, the administrator, and keys that the backend may accept."""

from access.admin import Admin, load_admin
from access.door import Door, DoorLimits, KeyVerdict

__all__ = ["Admin", "Door", "DoorLimits", "KeyVerdict", "load_admin"]
