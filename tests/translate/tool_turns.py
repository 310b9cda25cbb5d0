"""Turns with tools, written by hand: code, its output, pictures, citations, confirmations."""

from tests.translate.wire import Json, message
from translate.backend.content_citations import CitationReader
from translate.text import Citation


def code(text: str, id: str = "code-1", *, status: str = "in_progress", language: str = "python") -> Json:
    """Code on its way to the interpreter."""
    content: Json = {"content_type": "code", "language": language, "text": text}
    return message("", id, status=status, end_turn=False, recipient="python", content=content)


def output(
    text: str,
    id: str = "out-1",
    *,
    status: str = "finished_successfully",
    images: tuple[str, ...] = (),
    **result: object,
) -> Json:
    """What the interpreter printed; `images` are pointers to figures."""
    content: Json = {"content_type": "execution_output", "text": text}
    figures = [
        {
            "message_type": "image",
            "time": 1.6,
            "sender": "server",
            "image_payload": None,
            "image_url": pointer,
        }
        for pointer in images
    ]
    aggregate: Json = {"status": "success", "run_id": "r1", "messages": figures} | result
    return message(
        "",
        id,
        role="tool",
        name="python",
        status=status,
        content=content,
        metadata={"aggregate_result": aggregate},
    )


def drawing_call(id: str = "call-1") -> Json:
    """The call of the tool that draws."""
    content: Json = {"content_type": "code", "language": "json", "text": '{"prompt": "A cat"}'}
    return message(
        "", id, status="finished_successfully", end_turn=False, recipient="dalle.text2im", content=content
    )


def drawn(*file_ids: str, id: str = "drawn-1", prompt: str = "A cat") -> Json:
    """Pictures; the message is finished at first sight."""
    parts = [
        {
            "content_type": "image_asset_pointer",
            "asset_pointer": f"file-service://{file_id}",
            "size_bytes": 310000,
            "width": 1024,
            "height": 1024,
            "metadata": {"dalle": {"gen_id": f"gen-{file_id}", "prompt": prompt, "seed": 1}},
        }
        for file_id in file_ids
    ]
    content: Json = {"content_type": "multimodal_text", "parts": parts}
    return message("", id, role="tool", name="dalle.text2im", status="finished_successfully", content=content)


def citations_of(metadata: Json) -> list[Citation]:
    """All citations of a message with this metadata."""
    reader = CitationReader()
    reader.read(metadata)
    return reader.citations


def citation(start: int, end: int, number: int, url: str = "https://a.example/", title: str = "A") -> Json:
    """An entry of `metadata.citations`."""
    return {
        "start_ix": start,
        "end_ix": end,
        "citation_format_type": "tether_og",
        "metadata": {
            "type": "webpage",
            "title": title,
            "url": url,
            "text": "Snippet",
            "pub_date": None,
            "extra": {"cited_message_idx": number, "search_result_idx": None, "evidence_text": "source"},
        },
    }


def confirmation_request(kind: str = "confirm_action") -> Json:
    """A GPT asks whether it may call a host."""
    body: Json = {
        "domain": "api.example.com",
        "method": "get",
        "path": "/item",
        "operation": "getItem",
        "params": {"id": 1},
        "actions": [
            {"name": "allow", "type": "allow", "allow": {"target_message_id": "a2"}},
            {
                "name": "always_allow",
                "type": "always_allow",
                "always_allow": {"target_message_id": "a2", "operation_hash": "9f2c"},
            },
            {"name": "deny", "type": "deny", "deny": {"target_message_id": "a2"}},
        ],
    }
    return message(
        "",
        "asking-1",
        role="tool",
        name="api_example_com__jit_plugin.getItem",
        status="finished_successfully",
        metadata={"jit_plugin_data": {"from_server": {"type": kind, "body": body}}},
    )
