"""The models and GPTs on offer: to everybody, in step with the file that lists the GPTs; to each caller."""

from catalogue.caller_models import CallerModels
from catalogue.gpts_file import load_gpts
from catalogue.watcher import GptsFileWatcher

__all__ = ["CallerModels", "GptsFileWatcher", "load_gpts"]
