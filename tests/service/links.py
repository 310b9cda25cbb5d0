"""Links of this service in an answer."""

import re

LINK = re.compile(r"http://[\w.]+(?::\d+)?(/(?:images|files)/[^\s()]+)")
"""The address of a picture or a file; its group is the path."""
