"""What people bring from PandoraToV1Api: its settings, as settings of this service."""

from migration.environment import environment_text
from migration.importing import Imported, import_config
from migration.old_config import MAX_CONFIG_BYTES, NotAConfig

__all__ = ["MAX_CONFIG_BYTES", "Imported", "NotAConfig", "environment_text", "import_config"]
