"""The models and GPTs on offer, kept in step with the file that lists the GPTs."""

from catalogue.gpts_file import load_gpts
from catalogue.watcher import GptsFileWatcher

__all__ = ["GptsFileWatcher", "load_gpts"]
