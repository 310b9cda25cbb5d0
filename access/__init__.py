"""Who is let in: this machine, the administrator, and keys that the backend may accept."""

from access.admin import Admin, load_admin
from access.doorkeeper import AccessLimits, Doorkeeper, KeyVerdict, Origin, Visit

__all__ = ["AccessLimits", "Admin", "Doorkeeper", "KeyVerdict", "Origin", "Visit", "load_admin"]
