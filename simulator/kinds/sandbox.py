"""Turns about files of the code interpreter's sandbox: made by the model, or uploaded by the caller."""

from collections.abc import Iterator
from urllib.parse import quote

from simulator.files import StoredFile
from simulator.final_answer import final_answer
from simulator.kinds.code_interpreter import run
from simulator.turn import Turn
from simulator.turn_steps import TurnStep

AWKWARD_NAMES = ("out.csv", "final report.csv", "年度 报告 (终稿).csv", "100%.csv")
ROWS = "name,value\ntea,3\n咖啡,5\n"


def new_file(turn: Turn) -> Iterator[TurnStep]:
    """One file, named after the topic."""
    yield from _make_files(turn, [f"{turn.prompt.topic[:30].strip('… ')}.csv".replace("/", "-")])


def awkward_names(turn: Turn) -> Iterator[TurnStep]:
    """Several files; their names have spaces, brackets, Chinese characters and a percent escape."""
    yield from _make_files(turn, list(AWKWARD_NAMES))


def read_upload(turn: Turn, file: StoredFile) -> Iterator[TurnStep]:
    """A file that the caller uploaded for Python (`use_case` ace_upload) is opened."""
    content = (file.content or b"").decode(errors="replace")
    lines = content.count("\n") + 1
    code = f'text = open("/mnt/data/{file.name}").read()\nprint(len(text.splitlines()))'
    yield from run(turn, code, f"{lines}\n")
    text = turn.prompt.localized(
        f"I opened **{file.name}**: {lines} lines, {len(file.content or b'')} bytes.",
        f"我打开了 **{file.name}**：共 {lines} 行，{len(file.content or b'')} 字节。",
    )
    yield from final_answer(turn, text)


def _make_files(turn: Turn, names: list[str]) -> Iterator[TurnStep]:
    links = []
    for name in names:
        path = f"/mnt/data/{name}"
        turn.conversation.sandbox_files[path] = turn.store_file(name, ROWS.encode()).id
        # Models write most paths as they are, and escape some.
        shown = quote(path) if "%" in path else path
        links.append(f"[{turn.prompt.localized('Download', '下载')} {name}](sandbox:{shown})")
    code = "\n".join(f'open("/mnt/data/{name}", "w").write(rows)' for name in names)
    yield from run(turn, f"rows = {ROWS!r}\n{code}", f"{len(ROWS)}\n" * len(names))
    lead = turn.prompt.localized("The file is ready:", "文件已生成：")
    yield from final_answer(turn, f"{lead}\n\n" + "\n".join(f"- {link}" for link in links))
