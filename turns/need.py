"""What a turn needs of the account that answers it."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

from accounts import Need
from translate.values import PICTURE, RESEARCH, Model
from turns.preparation import Prompt

FEATURES: Final[Mapping[str, str]] = {PICTURE: "image_gen", RESEARCH: "deep_research"}
"""The features of the backend that hints make use of, by its own names (protocol notes, section 20.8)."""
UPLOADS: Final = "file_upload"


def need_of_model(model: Model, units: int, features: Collection[str] = ()) -> Need:
    """What a conversation with `model` needs, which costs `units` and uses `features` of the backend."""
    return Need(
        names=(model.name, model.slug),
        slug=model.slug,
        units=units,
        windowed=model.windowed,
        features=tuple(features),
        listed=model.listed is not None,
    )


def need_of(prompt: Prompt, units: int) -> Need:
    """What the answer to `prompt` needs."""
    features = {FEATURES[hint]: None for hint in (*prompt.hints, *prompt.model.hints) if hint in FEATURES}
    if any(message.attachments for message in prompt.messages):
        features[UPLOADS] = None
    return replace(need_of_model(prompt.model, units, features), home=prompt.home)
