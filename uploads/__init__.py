"""Files that callers have stored under `/v1/files`, to be named by their ids in later requests.

`UploadStore` keeps them on disk, for each caller apart; `OwnFiles` is what one caller sees of it.
"""

from uploads.store import NoSpace, NoSuchUpload, OwnFiles, UploadFailed, UploadStore
from uploads.upload import Upload, is_upload_id

__all__ = ["NoSpace", "NoSuchUpload", "OwnFiles", "Upload", "UploadFailed", "UploadStore", "is_upload_id"]
