"""What two languages of one document have in common."""

import re


def structure(text: str) -> list[str]:
    """The marks of headings, rows and items, and whole blocks of code, in their order."""
    return re.findall(r"^```.*?^```|^#+ |^\| |^- ", text, re.DOTALL | re.MULTILINE)


def names(text: str) -> list[str]:
    """What stands in backquotes outside of blocks: names, values, commands; sorted."""
    return sorted(re.findall(r"`[^`\n]+`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)))


def links(text: str) -> list[str]:
    """Which documents links lead to, in any language, but for the one to the other language; sorted."""
    text = re.sub(r"^\[\S+\]\(\S+\)$", "", text, flags=re.MULTILINE)
    return sorted(link.replace(".zh-CN.md", ".md") for link in re.findall(r"\]\(([^)#\s]+)", text))
