"""Settings as a text that a shell, compose and systemd read alike."""

import re
from typing import Final

from migration.importing import Imported

_PLAIN: Final = re.compile(r"[\w./:@%+,=~-]+", re.ASCII)
"""What needs no quotes anywhere."""

_HEAD = """\
# Settings of a PandoraToV1Api, as settings of this service; docs/migration.md tells of them.
# Keys and prefixes stand in it: keep it where others cannot read it.
"""
_END = """\
# Otherwise the compose files read the prefix from a file.
PROXY_API_PREFIX_FILE=

# The API is on port 33333 here. For clients that go on with the old port:
#PORT=50011
"""


def environment_text(imported: Imported) -> str:
    """Lines `NAME=text`, each below the old key that it was made of, and in comments what was left out."""
    parts = [_HEAD]
    for name, text in imported.settings.items():
        remark = f"# Please look: {imported.remarks[name]}.\n" if name in imported.remarks else ""
        parts.append(f"# {imported.origins[name]}\n{remark}{name}={_in_quotes(text)}\n")
    parts.append(_END)
    if imported.gpts is not None:
        parts.append(
            f"# The list of GPTs ({imported.gpts} of them) can be used as it is: for compose copy it to\n"
            "# deploy/config/gpts.json, else name it in GPTS_FILE.\n"
        )
    for title, lines in (
        ("Left out", [f"{key}: {reason}." for key, reason in imported.left_out.items()]),
        ("NOT TAKEN OVER, please look at these", imported.problems),
    ):
        if lines:
            parts.append("".join(f"# {line}\n" for line in (f"{title}:", *(f"- {line}" for line in lines))))
    return "\n".join(parts)


def _in_quotes(text: str) -> str:
    """Single quotes are read alike by all of them, and nothing in them means anything but a single quote."""
    if _PLAIN.fullmatch(text):
        return text
    return f"'{text}'"
