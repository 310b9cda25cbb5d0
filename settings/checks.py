"""Settings that are fine one by one and contradict each other."""

import re

from settings.errors import SettingsError
from settings.table import SettingsTable


def check_consistency(table: SettingsTable) -> None:
    """Raise SettingsError, which says what to change, if two settings contradict each other."""
    if re.search(r"/(backend-api|v1)$", table.base_url):
        raise SettingsError("BASE_URL must be the root of the backend: remove /backend-api or /v1.")
    if table.stream_headers_after > table.first_byte_timeout:
        raise SettingsError(
            "STREAM_HEADERS_AFTER must not be longer than FIRST_BYTE_TIMEOUT: "
            "lower STREAM_HEADERS_AFTER or raise FIRST_BYTE_TIMEOUT."
        )
    if table.max_buffered_bytes * 3 < table.max_body_bytes * 4:  # a quarter is kept for small bodies
        raise SettingsError(
            "MAX_BUFFERED_BYTES must be at least a third more than MAX_BODY_BYTES: "
            "raise MAX_BUFFERED_BYTES, and the memory that the service may use, or lower MAX_BODY_BYTES."
        )
    if table.total_timeout and table.total_timeout < table.first_byte_timeout:
        raise SettingsError(
            "TOTAL_TIMEOUT must be 0 or at least FIRST_BYTE_TIMEOUT: "
            "raise TOTAL_TIMEOUT or lower FIRST_BYTE_TIMEOUT."
        )
    if table.media_max_total_bytes < table.media_max_file_bytes:
        raise SettingsError(
            "MEDIA_MAX_TOTAL_BYTES must be at least MEDIA_MAX_FILE_BYTES: "
            "raise MEDIA_MAX_TOTAL_BYTES or lower MEDIA_MAX_FILE_BYTES."
        )
