"""The content of a message: its text, and the pictures and files in it."""

from typing import Final

from translate.openai.checks import MAX_NAME, check_count, check_length, expected
from translate.values import Attachment, BadRequest, JsonObject, json_text

MAX_ATTACHMENTS: Final = 20
"""Pictures and files of one message."""
MAX_PARTS: Final = 2048
"""Parts of one message."""

TEXT_PARTS: Final = ("text", "input_text", "output_text")
"""Types of the content parts that hold text; some clients send those of the Responses API."""
THOUGHTS: Final = ("thinking", "redacted_thinking", "reasoning")
"""Types of the parts that hold what a model thought, which is no part of what was said."""
PICTURES: Final = ("image_url", "input_image", "image_file")
FILES: Final = ("file", "input_file")
KINDS: Final = (*TEXT_PARTS, "refusal", *THOUGHTS, *PICTURES, *FILES)
"""All types that are understood."""


def read_content(value: object, param: str, *, lenient: bool = False) -> tuple[str, tuple[Attachment, ...]]:
    """The text of a message's `content`, and what is attached to it. Raises BadRequest.

    A `lenient` reader leaves out the parts whose type is not understood.
    """
    if value is None:
        return "", ()
    if isinstance(value, str):
        return value, ()
    if not isinstance(value, list):
        raise BadRequest(expected(param, "a string or an array of parts"), param=param)
    check_count(len(value), param, MAX_PARTS)
    parts = [
        _part(raw, f"{param}.[{index}]")
        for index, raw in enumerate(value)
        if not (lenient and _is_strange(raw))
    ]
    attachments = tuple(part for part in parts if isinstance(part, Attachment))
    if len(attachments) > MAX_ATTACHMENTS:
        raise BadRequest(f"A message can hold at most {MAX_ATTACHMENTS} pictures and files.", param=param)
    return "\n".join(part for part in parts if isinstance(part, str) and part), attachments


def read_result(value: object, param: str) -> tuple[str, tuple[Attachment, ...]]:
    """The text of a tool's result, and what is attached to it, which the text names. What else is in its
    content becomes text, as JSON. Raises BadRequest if it has too many parts.
    """
    if not isinstance(value, list):
        return (value if isinstance(value, str) else as_json(value)), ()
    check_count(len(value), param, MAX_PARTS)
    parts = [_result_part(raw, f"{param}.[{index}]") for index, raw in enumerate(value)]
    attachments = tuple(part for part in parts if isinstance(part, Attachment))
    texts = (part if isinstance(part, str) else f"[attached: {part.name or part.kind}]" for part in parts)
    return "\n".join(filter(None, texts)), attachments


def _result_part(raw: object, param: str) -> str | Attachment:
    try:
        return _part(raw, param)
    except BadRequest:
        return as_json(raw)


def as_json(value: object) -> str:
    """`value` as JSON, to be read by the model."""
    return json_text(value, ascii=False)


def _is_strange(raw: object) -> bool:
    """Whether it is a part of a type that is not understood."""
    return isinstance(raw, dict) and isinstance(kind := raw.get("type"), str) and kind not in KINDS


def _part(raw: object, param: str) -> str | Attachment:
    if isinstance(raw, str):
        return raw
    if not isinstance(raw, dict) or not isinstance(kind := raw.get("type"), str):
        raise BadRequest(expected(param, "a content part with a type"), param=param)
    if kind in PICTURES:
        return _image(raw, param)
    if kind in FILES:
        return _file(raw, param)
    if kind in THOUGHTS:
        return ""
    field = "text" if kind in TEXT_PARTS else "refusal" if kind == "refusal" else None
    if field is None:
        raise BadRequest(f"Content parts of type '{kind[:40]}' are not supported.", param=param)
    text = raw.get(field)
    if text is None and field in raw:
        return ""
    if not isinstance(text, str):
        raise BadRequest(expected(f"{param}.{field}", "a string"), param=f"{param}.{field}")
    return text


def _image(raw: JsonObject, param: str) -> Attachment:
    """`image_url` is an object with `url`; old clients and the Responses API write a bare string. A stored
    picture has a `file_id`, in the part or in that object, which is `image_file` with some.
    """
    image = raw.get("image_url") or raw.get("image_file")
    url = image.get("url") if isinstance(image, dict) else image
    given = image.get("detail") if isinstance(image, dict) else raw.get("detail")
    detail = given if isinstance(given, str) else "auto"
    if url is None and (file_id := _file_id(image if isinstance(image, dict) else raw, param)):
        return Attachment("image", "", "", f"{param}.file_id", detail, file_id)
    if not isinstance(url, str) or not url:
        raise BadRequest(expected(f"{param}.image_url", "an object with a url"), param=f"{param}.image_url")
    return Attachment("image", url, "", f"{param}.image_url", detail)


def _file(raw: JsonObject, param: str) -> Attachment:
    """`{"file": {"filename", "file_data"}}`; a part of type `input_file`, or one with a `file_id`,
    has these fields itself.
    """
    file = raw.get("file") if raw.get("type") == "file" and "file_id" not in raw else raw
    if not isinstance(file, dict):
        raise BadRequest(expected(f"{param}.file", "an object"), param=f"{param}.file")
    name = file.get("filename")
    name = name if isinstance(name, str) else ""
    check_length(name, f"{param}.filename", MAX_NAME)
    source = file.get("file_data") or file.get("file_url")
    if source is None and (file_id := _file_id(file, param)):
        return Attachment("file", "", name, f"{param}.file_id", file_id=file_id)
    if not isinstance(source, str):
        raise BadRequest(f"'{param}' must bring its file_data, or a file_id.", param=param)
    return Attachment("file", source, name, param)


def _file_id(raw: JsonObject, param: str) -> str:
    """The id of a stored file; empty if there is none."""
    file_id = raw.get("file_id")
    if file_id is None:
        return ""
    if not isinstance(file_id, str) or not file_id:
        raise BadRequest(expected(f"{param}.file_id", "a string"), param=f"{param}.file_id")
    check_length(file_id, f"{param}.file_id", MAX_NAME)
    return file_id
