"""The backend's files: uploads, addresses of what it made, and the bytes at these addresses."""

from upstream.files.backend_files import BackendFiles, Uploaded
from upstream.files.downloads import Download
from upstream.files.errors import (
    AddressExpired,
    AddressRefused,
    AudioMissing,
    CallRefused,
    FileHasNoRoom,
    FileMissing,
    FileNotReady,
    FilesError,
    FileTooLarge,
    SandboxGone,
    TransferRefused,
)
from upstream.files.timeouts import FileTimeouts

__all__ = [
    "AddressExpired",
    "AddressRefused",
    "AudioMissing",
    "BackendFiles",
    "CallRefused",
    "Download",
    "FileHasNoRoom",
    "FileMissing",
    "FileNotReady",
    "FileTimeouts",
    "FileTooLarge",
    "FilesError",
    "SandboxGone",
    "TransferRefused",
    "Uploaded",
]
