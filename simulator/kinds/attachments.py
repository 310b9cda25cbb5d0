"""Turns about what the caller attached: text files are searched, pictures are looked at."""

from collections.abc import Iterator

from simulator.answering import answer
from simulator.files import StoredFile
from simulator.messages import JsonObject, text_content
from simulator.pictures.imagesize import image_facts
from simulator.steps import Step
from simulator.turn import Turn

TOOL = "myfiles_browser"
PROMPT = (
    "All the files uploaded by the user have been fully loaded. Searching won't provide additional "
    "information."
)


def file_search(turn: Turn, files: list[StoredFile]) -> Iterator[Step]:
    """A spinner, each file's text, an instruction to the model, an answer that cites the file."""
    spinner: JsonObject = {"content_type": "tether_browsing_display", "result": "", "summary": ""}
    spinner |= {"assets": None, "tether_id": None}
    yield turn.begin_tool(TOOL, spinner, weight=0.0, metadata={"command": "spinner", "status": "running"})
    for file in files:
        yield turn.begin_tool(
            TOOL, _quoted(file), metadata={"command": "context_stuff", "status": "finished"}
        )
    yield turn.begin_tool(TOOL, text_content(PROMPT), metadata={"command": "prompt", "status": "finished"})
    file = files[0]
    first = next(iter(_text(file).splitlines()), "").strip()[:80]
    lead = turn.prompt.either(f"The file begins with “{first}”", f"文件开头是“{first}”")
    mark = f"【7:0†{turn.prompt.either('source', '来源')}】"
    citation = {
        "start_ix": len(lead),
        "end_ix": len(lead) + len(mark),
        "citation_format_type": "tether_og",
        "metadata": {"type": "file", "name": file.name, "id": file.id, "source": "my_files", "text": first},
    }
    yield from answer(turn, lead + mark + ".", [(len(lead) + len(mark) - 1, {"citations": [citation]})])


def vision(turn: Turn, files: list[StoredFile]) -> Iterator[Step]:
    """What each picture's file says about itself, compared with what the request claimed."""
    seen = [_sight(turn, file) for file in files]
    lead = turn.prompt.either("I looked at what you sent:", "我看了你发来的内容：")
    yield from answer(turn, f"{lead}\n\n" + "\n".join(f"- {line}" for line in seen))


def _sight(turn: Turn, file: StoredFile) -> str:
    content = file.content or b""
    facts = image_facts(content)
    if facts is None:
        return turn.prompt.either(f"{file.name}: no picture I know", f"{file.name}：无法识别的图片")
    media_type, width, height = facts
    line = f"{file.name}: {media_type}, {width} x {height}, {len(content)} bytes"
    claimed = _claimed_size(turn, file.id)
    if claimed != (width, height):
        line += f" (claimed as {claimed[0]} x {claimed[1]})"
    return line


def _claimed_size(turn: Turn, file_id: str) -> tuple[object, object]:
    for sent in turn.request.messages:
        for part in sent.image_parts:
            if str(part.get("asset_pointer", "")).endswith(file_id):
                return part.get("width"), part.get("height")
    return None, None


def _quoted(file: StoredFile) -> JsonObject:
    return {
        "content_type": "tether_quote",
        "url": file.id,
        "domain": file.name,
        "title": file.name,
        "text": _text(file),
        "tether_id": None,
    }


def _text(file: StoredFile) -> str:
    return (file.content or b"").decode(errors="replace")
