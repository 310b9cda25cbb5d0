"""The documents that exist in two languages, and what both versions of one have in common."""

import re
from collections import Counter
from pathlib import Path

from tests.docs.anchors import anchors
from tests.source_tree import ROOT

CHINESE = ".zh-CN.md"
OF_DEVELOPERS = frozenset({"architecture.md", "glossary.md", "protocol.md"})
"""Documents in `docs/` for those who work on the service: English only (CONTRIBUTING.md)."""
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "SECURITY.md",
    ROOT / "deploy" / "README.md",
    *(
        path
        for path in sorted((ROOT / "docs").glob("*.md"))
        if not path.name.endswith(CHINESE) and path.name not in OF_DEVELOPERS
    ),
]
"""The English version of each document for users and operators."""
_BLOCK = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_MADE = re.compile(r"^<!-- The table .*?^<!-- The end .*?$", re.MULTILINE | re.DOTALL)
"""Tables that a program writes stand in the English version alone; the other one links to them."""
_MARKS = re.compile(
    r"^ *```.*?^ *```$|^ {4}\S[^\n]*|^#+ |^\|[^\n]*|^ *- |^\d+\. |</?(?:img|details|summary)[^>]*>",
    re.MULTILINE | re.DOTALL,
)
_COMMENT = re.compile(r"(?<=\s)# .*$", re.MULTILINE)
_CJK = r"[\u3400-\u9fff]"


def in_chinese(path: Path) -> Path:
    """Where the Chinese version of an English document stands."""
    return path.with_name(path.name.removesuffix(".md") + CHINESE)


def _in_english(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(CHINESE).removesuffix(".md") + ".md")


def structure(text: str) -> list[str]:
    """Marks of headings and items, rows as their number of cells, blocks of code and HTML as they are.

    Of a comment in a block for the shell only its place counts.
    """
    marks = _MARKS.findall(re.sub(r' alt="[^"]*"', "", _MADE.sub("", text)))
    marks = [_COMMENT.sub("#", mark) if mark.lstrip().startswith("```sh") else mark for mark in marks]
    return [f"row of {mark.count('|') - 1}" if mark.startswith("|") else mark for mark in marks]


def english_comments(text: str) -> list[str]:
    """Comments in blocks for the shell that are not in Chinese; single words may stand there as they are."""
    blocks = [block for block in _BLOCK.findall(text) if block.lstrip().startswith("```sh")]
    comments = [comment for block in blocks for comment in _COMMENT.findall(block)]
    return [comment for comment in comments if " " in comment[2:] and not re.search(_CJK, comment)]


def names(text: str) -> list[Counter[str]]:
    """What stands in backquotes, of each row of a table and of each text between headings, in their order."""
    return [Counter(re.findall(r"`[^`\n]+`", part)) for part in _parts(text)]


def figures(text: str) -> list[set[str]]:
    """The numbers in digits, of each row of a table and of each text between headings, in their order."""
    return [set(re.findall(r"\d+(?:[.,]\d+)*", re.sub(r"\]\([^)]*\)", "]", part))) for part in _parts(text)]


def links(path: Path, text: str) -> Counter[tuple[str, int]]:
    """Where links lead: the document, in English, and which of its headings, from 1; 0 for none.

    Addresses of other hosts are themselves. Links to the same document in the other language are left out.
    """
    found: Counter[tuple[str, int]] = Counter()
    for link in re.findall(r"\]\(([^)\s]+)\)", _BLOCK.sub("", _MADE.sub("", text))):
        name, _, anchor = link.partition("#")
        if name in (in_chinese(path).name, _in_english(path).name):
            continue
        target = path.parent / name if name else path
        heading = 1 + anchors(target).index(anchor) if anchor and "//" not in name else 0
        found[(name or path.name).replace(CHINESE, ".md"), heading] += 1
    return found


def links_to_english(path: Path, text: str) -> list[str]:
    """Links of a Chinese document that lead to an English one which is there in Chinese, too."""
    documents = re.findall(r"\]\((?!https?:)([^)#\s]+\.md)", text)
    return [
        name
        for name in documents
        if name != _in_english(path).name and in_chinese(path.parent / name).exists()
    ]


def marks_of_another_script(text: str) -> list[str]:
    """Where a comma, colon, semicolon or bracket of Latin script stands behind a Chinese character."""
    prose = re.sub(r"`[^`\n]*`|\]\([^)]*\)", "", _BLOCK.sub("", text))
    return re.findall(rf".{{0,9}}{_CJK}[,:;()].{{0,9}}", prose)


def _parts(text: str) -> list[str]:
    """Rows of tables, and texts between headings without them, without blocks of code."""
    parts = []
    for section in re.split(r"^#+ ", _BLOCK.sub("", _MADE.sub("", text)), flags=re.MULTILINE):
        lines = section.splitlines()
        parts.append("\n".join(line for line in lines if not line.startswith("|")))
        parts += [line for line in lines if line.startswith("|")]
    return parts
