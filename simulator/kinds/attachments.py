"""Turns about attached files: text files are searched, pictures are described."""

from collections.abc import Iterator

from simulator.files import StoredFile
from simulator.final_answer import final_answer
from simulator.messages import JsonObject, text_content
from simulator.pictures import read_image_header
from simulator.turn import Turn
from simulator.turn_steps import TurnStep

TOOL = "myfiles_browser"
PROMPT = (
    "All the files uploaded by the user have been fully loaded. Searching won't provide additional "
    "information."
)


def file_search(turn: Turn, files: list[StoredFile]) -> Iterator[TurnStep]:
    """A spinner, each file's text, an instruction to the model, an answer that cites the file.

    The messages are those of the protocol notes, section 8.4.
    """
    spinner: JsonObject = {"content_type": "tether_browsing_display", "result": "", "summary": ""}
    spinner |= {"assets": None, "tether_id": None}
    yield turn.start_tool_message(
        TOOL, spinner, weight=0.0, metadata={"command": "spinner", "status": "running"}
    )
    for file in files:
        yield turn.start_tool_message(
            TOOL, _quote(file), metadata={"command": "context_stuff", "status": "finished"}
        )
    yield turn.start_tool_message(
        TOOL, text_content(PROMPT), metadata={"command": "prompt", "status": "finished"}
    )
    file = files[0]
    first = next(iter(_text(file).splitlines()), "").strip()[:80]
    lead = turn.prompt.localized(f"The file begins with “{first}”", f"文件开头是“{first}”")
    mark = f"【7:0†{turn.prompt.localized('source', '来源')}】"
    citation = {
        "start_ix": len(lead),
        "end_ix": len(lead) + len(mark),
        "citation_format_type": "tether_og",
        "metadata": {"type": "file", "name": file.name, "id": file.id, "source": "my_files", "text": first},
    }
    yield from final_answer(turn, lead + mark + ".", [(len(lead) + len(mark) - 1, {"citations": [citation]})])


def vision(turn: Turn, files: list[StoredFile]) -> Iterator[TurnStep]:
    """Type and size of each picture, and the size that the request claims if it is another."""
    descriptions = [_description(turn, file) for file in files]
    lead = turn.prompt.localized("I looked at what you sent:", "我看了你发来的内容：")
    yield from final_answer(turn, f"{lead}\n\n" + "\n".join(f"- {line}" for line in descriptions))


def _description(turn: Turn, file: StoredFile) -> str:
    content = file.content or b""
    header = read_image_header(content)
    if header is None:
        return turn.prompt.localized(f"{file.name}: no picture I know", f"{file.name}：无法识别的图片")
    media_type, width, height = header
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


def _quote(file: StoredFile) -> JsonObject:
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
