"""What programs such as aider ask for: edits of files, as blocks of what stands there and what shall."""

import re

from simulator.answers.prompt import Prompt

_RULES = "*SEARCH/REPLACE block* Rules"
_CHANGE = re.compile(r"^change `([^`\n]+)` to `([^`\n]+)` in (\S+)", re.IGNORECASE)


def wants_edits(prompt: Prompt) -> bool:
    """Whether the rules of such blocks are told with the question: no word in them asks for a tool."""
    return _RULES in prompt.question


def edit(prompt: Prompt) -> str | None:
    """The block for a question such as "Change `1` to `2` in a.py"; None for any other one."""
    found = _CHANGE.match(prompt.question)
    if not found:
        return None
    old, new, file = found.groups()
    return f"{file}\n```\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n```"
