"""Turns by hand that mean no good: markup where none is expected, and marks that are none."""

from tests.golden.recording import Recording
from tests.translate.reading import QUESTION
from tests.translate.tool_turns import citation, code, drawing_call, drawn, output
from tests.translate.wire import STOP, Json, echo, finished, hidden_system, message, sse, tool_text

FENCED = (
    'text = """\n```js\nalert(1)\n```\n````\nfour\n````\n"""\nprint(text)\n'
    "# 【1†source】 [x](sandbox:/mnt/data/x)"
)
PRINTED = "```js\nalert(1)\n```\n# 【1†source】 [x](sandbox:/mnt/data/x)\x1b[31mred\x1b[0m\n~~~\n</details>"

SANDBOX = (
    "Files: [a](sandbox:/mnt/data/a.csv), [b (1)](sandbox:/mnt/data/b (1).csv), "
    "[中](sandbox:/mnt/data/年度 报告.csv), [%](sandbox:/mnt/data/100%25.csv), "
    "![p](sandbox:/mnt/data/p.png), [open](sandbox:/mnt/data/x(.csv\n\n"
    "`[code](sandbox:/mnt/data/c.csv)` and [not](sandboxed:/x)."
)

CITED = (
    "🔥👨\u200d👩\u200d👧 One【3†source】 two【3†来源】 three【†source】 four【9†source】【注意】 "
    "five【7:1†L1-L2】."
)
BRACKETS = (
    "In code `【3†source】` and\n\n```\n【3†source】\n[a](3)\n```\n\n"
    "and 【3†so\nurce】, 【3†, 【【3†source】】."
)
TICKS = "A ``` in a line, ``a ` b`` and `` ` ``.\n\n````md\n```\n[x](sandbox:/mnt/data/x)\n```\n````\n\nEnd `"


def _steps(text: str, size: int) -> list[str]:
    return [text[:end] for end in range(size, len(text), size)] + [text]


def _says(text: str, *, size: int = 1, citations: list[Json] | None = None, late: int = 0) -> list[Json]:
    """Snapshots of `text`; the citations come with the last `late` characters still missing."""
    known: Json = {"citations": citations} if citations else {}
    said = [
        message(shown, metadata=known if len(shown) >= len(text) - late else {})
        for shown in ["", *_steps(text, size)]
    ]
    end = finished(text)
    end["message"]["metadata"] |= known  # type: ignore[index]
    return [*said, end]


def _runs(program: str, *prints: str) -> list[Json]:
    """Code that grows by one character, and its output in the given states."""
    *parts, last = prints
    return [
        *(code(shown) for shown in _steps(program, 2)),
        code(program, status="finished_successfully"),
        *(output(part, status="in_progress") for part in parts),
        output(last),
    ]


def _cited(text: str, *marks: tuple[str, int, str]) -> list[Json]:
    """Citations for marks, with ranges in code points."""
    found, at = [], 0
    for mark, number, url in marks:
        at = text.index(mark, at)
        found.append(citation(at, at + len(mark), number, url, "A [title](x)"))
        at += len(mark)
    return found


_CITATIONS = _cited(
    CITED, ("【3†source】", 3, "https://a.example/(a) b"), ("【3†来源】", 3, "https://b.example/<b>")
)
_MISPLACED: list[Json] = [
    citation(entry["start_ix"] + 5, entry["end_ix"] + 5, 3, f"https://{n}.example/")  # type: ignore[operator]
    for n, entry in enumerate(_CITATIONS)
]
_ALT = "](javascript:alert(1)) ![x](y) `code` <b>bold</b> \\ *star* _under_\nnew line " + "long " * 100

_TURNS: dict[str, list[Json]] = {
    "fences_in_code": [*_runs(FENCED, PRINTED), finished("Done.")],
    "fences_in_growing_output": [
        *_runs("print(1)", "`", "``", "```", "```\nx", "```\nx\n````", "```\nx\n````\n"),
        finished("Done."),
    ],
    "output_beyond_measure": [*_runs("print(9)", "line of output\n" * 2000), finished("Done.")],
    "sandbox_paths": _says(SANDBOX, size=3),
    "citations_behind_emoji": _says(CITED, citations=_CITATIONS, late=5),
    "citations_that_come_last": _says(CITED, citations=_CITATIONS),
    "citations_out_of_place": _says(CITED, citations=_MISPLACED),
    "citations_that_never_come": _says(CITED, size=3),
    "marks_in_code": _says(BRACKETS, citations=_cited(BRACKETS, ("【3†source】", 3, "https://a.example/"))),
    "backticks": _says(TICKS),
    "alternative_text": [
        drawing_call(),
        drawn("file-1", "file-2", prompt=_ALT),
        tool_text("DALL-E displayed 2 images.", name="dalle.text2im"),
        finished("Done."),
    ],
    "picture_while_code_runs": [
        code("plot()"),
        drawn("file-1"),
        code("plot()", status="finished_successfully"),
        output("a<<Image", status="in_progress"),
        output("a<<ImageDisplayed>>\n<<Image", images=("file-service://file-2",)),
        message("Well", "a1"),
        message("Well, done.", "a1", metadata=STOP),
    ],
}

HOSTILE = {
    name: Recording(QUESTION, sse(hidden_system(), echo("Hello", "u1"), *records))
    for name, records in _TURNS.items()
}
