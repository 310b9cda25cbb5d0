"""Image requests: what the caller wants, in words for a model that draws, and the answer."""

import re
from dataclasses import dataclass
from typing import Literal, cast

from translate.openai.checks import MAX_NAME, check_length, expected, is_integer
from translate.openai.whole import WholeAnswer
from translate.values import (
    AnswerEnd,
    ApiError,
    BadRequest,
    Event,
    JsonObject,
    PictureShown,
    PlanLimitReached,
    RateLimited,
    json_bytes,
    wait_in,
)

ResponseFormat = Literal["url", "b64_json"]

MAX_IMAGES = 10
MAX_IMAGE_PROMPT = 32_000
MAX_WORDS = 600
"""Characters of the model's words that an error quotes."""

SIZE = re.compile(r"([1-9]\d{1,4})x([1-9]\d{1,4})")
REFUSED = re.compile(
    r"content policy|guidelines|not able to|unable to|can(?:'|\u2019|no)t|won(?:'|\u2019)t|policies|"
    r"政策|无法|不能|抱歉",
    re.IGNORECASE,
)


LIMITED = re.compile(
    r"\b(?:plan|usage|daily|rate) limit\b|\blimit (?:for|on) (?:image|picture)|\blimit resets\b|"
    r"too (?:quickly|fast|many (?:image|picture|request))|reached (?:your|the) (?:\w+ ){0,3}limit\b|"
    r"上限|限额|过于频繁",
    re.IGNORECASE,
)
PLAN = re.compile(r"\bplan limit\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """The fields that are used. `model` is as asked; `size` is `WxH`, `auto` or empty."""

    model: str
    prompt: str
    n: int
    size: str
    response_format: ResponseFormat


def read_fields(data: JsonObject, *, prompt_required: bool = True) -> ImageRequest:
    """The fields common to all image routes. Raises BadRequest with the field at fault in `param`."""
    prompt = data.get("prompt")
    if prompt is None and not prompt_required:
        prompt = ""
    elif not isinstance(prompt, str) or not prompt.strip():
        raise BadRequest(expected("prompt", "a non-empty string"), param="prompt")
    if len(prompt) > MAX_IMAGE_PROMPT:
        raise BadRequest(f"The prompt exceeds {MAX_IMAGE_PROMPT} characters.", param="prompt")
    model = data.get("model")
    if model is None:
        model = "dall-e-2"  # the official default
    elif not isinstance(model, str):
        raise BadRequest(expected("model", "a string"), param="model")
    check_length(model, "model", MAX_NAME)
    n = data.get("n")
    if n is None:
        n = 1
    elif not is_integer(n) or not 1 <= cast(int, n) <= MAX_IMAGES:
        raise BadRequest(expected("n", f"an integer from 1 to {MAX_IMAGES}"), param="n")
    if data.get("stream") is True:
        raise BadRequest("Pictures cannot be streamed here.", param="stream")
    return ImageRequest(model, prompt, int(cast(int, n)), _size(data.get("size")), _format(data, model))


def instruction(request: ImageRequest, pictures: int = 0, *, masked: bool = False) -> str:
    """The request in words; what the size says is a hint, the model decides."""
    count = "a picture" if request.n == 1 else f"{request.n} different pictures"
    task = f"Draw {count}"
    if pictures:
        task += ", a variation of the attached one" if not request.prompt else " by changing the attached one"
    hints = ["Do not ask back."]
    if match := SIZE.fullmatch(request.size):
        width, height = int(match[1]), int(match[2])
        shape = "square" if width == height else "wide" if width > height else "tall"
        hints.append(f"Size: {request.size} ({shape}).")
    if masked:
        hints.append("The last attached picture is a mask: change only where it is transparent.")
    return (f"{task}: {request.prompt}" if request.prompt else f"{task}.") + f"\n\n({' '.join(hints)})"


class ImagesAnswer(WholeAnswer):
    """The body of an images response, from the pictures that all turns of the request have shown.

    `created` is in Unix seconds; at most `limit` pictures are in it.
    """

    content_type = "application/json"

    def __init__(self, created: int, limit: int) -> None:
        self._created = created
        self._limit = limit
        self._data: list[dict[str, str]] = []

    def encode(self, event: Event) -> bytes:
        """Keep a picture: `url` or `b64_json`, never both, and `revised_prompt` if it is known."""
        if type(event) is PictureShown:
            picture, prompt = event.picture, event.asset.prompt
            entry = {"b64_json": picture.base64} if picture.base64 else {"url": picture.address}
            self._data.append(entry | ({"revised_prompt": prompt} if prompt else {}))
        return b""

    def finish(self, end: AnswerEnd) -> bytes:
        """The body: `created` and `data`."""
        body = {"created": self._created, "data": self._data[: self._limit]}
        return json_bytes(body)


def nothing_drawn(words: str) -> ApiError:
    """The model answered in words and drew nothing: an error with those words.

    They tell of a limit (429, with the wait if they name it), of a refusal, or of neither (400).
    """
    said = " ".join(words.split())[:MAX_WORDS]
    if LIMITED.search(said):
        limit = PlanLimitReached if PLAN.search(said) else RateLimited
        # The answer has cost a conversation, as another one would.
        message = f"No picture was made. The model says: {said}"
        return limit(message, retry_after=wait_in(said.lower()), should_retry=False)
    if REFUSED.search(said):
        return BadRequest(f"No picture was made. The model says: {said}", code="content_policy_violation")
    said = f"The model says: {said}" if said else "The model gave no reason."
    return BadRequest(f"No picture was made. {said}", code="image_generation_failed")


def _size(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or (value != "auto" and not SIZE.fullmatch(value)):
        raise BadRequest(expected("size", "a string such as 1024x1024"), param="size")
    return value


def _format(data: JsonObject, model: str) -> ResponseFormat:
    value = data.get("response_format")
    if value is None:
        return "b64_json" if model.startswith("gpt-image") else "url"  # as the official models do
    if value not in ("url", "b64_json"):
        raise BadRequest(expected("response_format", "'url' or 'b64_json'"), param="response_format")
    return value
