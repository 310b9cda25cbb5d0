"""Turns that make files: links into the sandbox, and files the caller put there."""

from collections.abc import Iterator
from urllib.parse import quote

from simulator.answering import answer
from simulator.files import StoredFile
from simulator.kinds.code import run
from simulator.steps import Step
from simulator.turn import Turn

AWKWARD_NAMES = ("out.csv", "final report.csv", "年度 报告 (终稿).csv", "100%.csv")
ROWS = "name,value\ntea,3\n咖啡,5\n"


def new_file(turn: Turn) -> Iterator[Step]:
    """One file, named after the subject."""
    yield from _make(turn, [f"{turn.prompt.topic[:30].strip('… ')}.csv".replace("/", "-")])


def awkward_names(turn: Turn) -> Iterator[Step]:
    """Several files whose names have spaces, brackets, Chinese characters and a percent escape."""
    yield from _make(turn, list(AWKWARD_NAMES))


def read_upload(turn: Turn, file: StoredFile) -> Iterator[Step]:
    """A file the caller uploaded for Python (use_case ace_upload)."""
    content = (file.content or b"").decode(errors="replace")
    lines = content.count("\n") + 1
    code = f'text = open("/mnt/data/{file.name}").read()\nprint(len(text.splitlines()))'
    yield from run(turn, code, f"{lines}\n")
    text = turn.prompt.either(
        f"I opened **{file.name}**: {lines} lines, {len(file.content or b'')} bytes.",
        f"我打开了 **{file.name}**：共 {lines} 行，{len(file.content or b'')} 字节。",
    )
    yield from answer(turn, text)


def _make(turn: Turn, names: list[str]) -> Iterator[Step]:
    links = []
    for name in names:
        path = f"/mnt/data/{name}"
        turn.conversation.sandbox[path] = turn.keep_file(name, ROWS.encode()).id
        # Models write most paths as they are, some of them escaped.
        shown = quote(path) if "%" in path else path
        links.append(f"[{turn.prompt.either('Download', '下载')} {name}](sandbox:{shown})")
    code = "\n".join(f'open("/mnt/data/{name}", "w").write(rows)' for name in names)
    yield from run(turn, f"rows = {ROWS!r}\n{code}", f"{len(ROWS)}\n" * len(names))
    lead = turn.prompt.either("The file is ready:", "文件已生成：")
    yield from answer(turn, f"{lead}\n\n" + "\n".join(f"- {link}" for link in links))
