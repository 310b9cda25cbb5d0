"""Image requests: what is read, refused and said to the model, and the answer's shape."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.translate.schemas import check
from translate.openai.images import (
    ImageRequest,
    ImagesAnswer,
    instruction,
    nothing_drawn,
    read_fields,
)
from translate.text import AnswerText
from translate.values import AnswerEnd, Asset, BadRequest, Picture, PictureShown, TextDelta, Usage


def read(**fields: object) -> ImageRequest:
    return read_fields({"prompt": "A cat"} | fields)


def test_prompt_alone_is_enough() -> None:
    assert read() == ImageRequest(model="dall-e-2", prompt="A cat", n=1, size="", response_format="url")


WRONG: dict[str, list[object]] = {
    "prompt": ["", "  ", None, 1, [], "x" * 40_000],
    "model": [1, []],
    "n": [0, 11, 1.5, "1", True],
    "size": [1024, "big", "1024", "0x0", []],
    "response_format": ["json", 1, [], {}],
    "stream": [True],
}


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in WRONG.items() for value in values]
)
def test_wrong_field_is_named(field: str, value: object) -> None:
    with pytest.raises(BadRequest) as caught:
        read(**{field: value})
    assert caught.value.param == field


@pytest.mark.parametrize("field", ["model", "n", "size", "response_format", "stream", "quality", "user"])
def test_null_means_left_out(field: str) -> None:
    assert read(**{field: None}) == read()


def test_what_cannot_be_imposed_is_accepted() -> None:
    extras = {"quality": "hd", "style": "vivid", "background": "auto", "user": {"id": 1}, "stream": False}
    assert read(**extras, output_format=3, partial_images=0) == read()


@pytest.mark.parametrize("size", ["1024x1024", "1792x1024", "256x256", "auto"])
def test_usual_sizes_are_accepted(size: str) -> None:
    assert read(size=size).size == size


@pytest.mark.parametrize(
    ("size", "shape"), [("1024x1024", "square"), ("1792x1024", "wide"), ("1024x1792", "tall")]
)
def test_size_becomes_a_hint_in_words(size: str, shape: str) -> None:
    words = instruction(read(size=size))
    assert size in words
    assert shape in words


def test_words_carry_the_prompt_and_the_number() -> None:
    assert "A cat" in instruction(read())
    assert "3 different pictures" in instruction(read(n=3))
    assert "different" not in instruction(read())
    assert "auto" not in instruction(read(size="auto"))


@pytest.mark.parametrize(
    ("model", "given", "format"),
    [
        ("dall-e-3", None, "url"),
        ("gpt-image-1", None, "b64_json"),
        ("gpt-image-1", "url", "url"),
        ("dall-e-3", "b64_json", "b64_json"),
    ],
)
def test_format_of_the_answer_is_that_of_the_official_model_unless_it_is_asked_for(
    model: str, given: str | None, format: str
) -> None:
    assert read(model=model, response_format=given).response_format == format


def test_variation_needs_no_prompt() -> None:
    request = read_fields({}, prompt_required=False)
    assert request.prompt == ""
    words = instruction(request, 1)
    assert words.startswith("Draw a picture, a variation of the attached one.")
    with pytest.raises(BadRequest) as caught:
        read_fields({"prompt": " "}, prompt_required=False)
    assert caught.value.param == "prompt"


def test_edit_names_the_attached_picture_and_its_mask() -> None:
    words = instruction(read(), 1)
    assert words.startswith("Draw a picture by changing the attached one: A cat")
    assert "mask" not in words
    assert "mask" in instruction(read(), 2, masked=True)


def test_answer_is_written_at_its_end_alone_and_a_failure_is_an_envelope() -> None:
    answer = ImagesAnswer(1, limit=1)
    written = (answer.open(), answer.encode(TextDelta([b"Here"])), answer.idle(visible=True))
    assert written == (b"", b"", b"")
    end = AnswerEnd("stop", Usage(1, 1), AnswerText())
    assert json.loads(answer.finish(end)) == {"created": 1, "data": []}
    assert json.loads(answer.fail(BadRequest("No.", param="prompt")))["error"]["param"] == "prompt"


def test_answer_has_an_address_or_the_bytes_and_never_null() -> None:
    answer = ImagesAnswer(1795333147, limit=2)
    shown = [
        PictureShown(
            Asset("file-service://1", "A cat", prompt="A red cat"), Picture("http://files.example/i/1.png")
        ),
        PictureShown(Asset("file-service://2"), Picture("inline", "iVBORw0KGgo=")),
        PictureShown(Asset("file-service://3"), Picture("http://files.example/i/3.png")),
    ]
    assert [answer.encode(event) for event in shown] == [b"", b"", b""]
    data = json.loads(answer.finish(AnswerEnd("stop", Usage(1, 1), AnswerText())))
    check(data, "ImagesResponse")
    assert data == {
        "created": 1795333147,
        "data": [
            {"url": "http://files.example/i/1.png", "revised_prompt": "A red cat"},
            {"b64_json": "iVBORw0KGgo="},
        ],
    }


@pytest.mark.parametrize(
    "words",
    [
        "I'm unable to draw that.",
        "I can't help.",
        "This is against our content policy.",
        "抱歉，我不能画这个。",
    ],
)
def test_refusal_of_the_model_is_told_from_a_failure(words: str) -> None:
    error = nothing_drawn(words)
    assert (error.status, error.code) == (400, "content_policy_violation")
    assert words in error.message


@pytest.mark.parametrize(
    ("words", "code", "wait"),
    [
        (
            "You've hit the Free plan limit for image generations requests. You can create more images when "
            "the limit resets in 40 minutes.",
            "insufficient_quota",
            2400,
        ),
        ("I can't: the plan limit resets in 5 hours and 20 minutes.", "insufficient_quota", 19200),
        ("You're generating images too quickly. Please wait for 2 minutes.", "rate_limit_exceeded", 120),
        ("You have reached your daily image limit.", "rate_limit_exceeded", None),
        ("您已达到图片生成的上限。", "rate_limit_exceeded", None),
    ],
)
def test_limit_is_told_as_one_with_the_wait_that_the_words_name(
    words: str, code: str, wait: float | None
) -> None:
    error = nothing_drawn(words)
    assert (error.status, error.code, error.retry_after) == (429, code, wait)
    assert error.should_retry is False
    assert words in error.message


@pytest.mark.parametrize("words", ["", "There was an error while generating.", "x\n" * 5000])
def test_drawing_that_failed_is_an_error_with_the_models_words_cut_short(words: str) -> None:
    error = nothing_drawn(words)
    assert (error.status, error.code) == (400, "image_generation_failed")
    assert len(error.message) < 1000
    assert "\n" not in error.message


FIELDS = ["prompt", "model", "n", "size", "response_format", "stream"]
VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=1)


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES | st.floats(allow_nan=False, allow_infinity=False)))
def test_any_fields_are_read_or_refused(fields: dict[str, object]) -> None:
    try:
        request = read_fields(fields)
    except BadRequest as error:
        param = error.param
    else:
        assert 1 <= request.n <= 10
        assert instruction(request)
        return
    assert param in FIELDS
