"""How long a model may think: OpenAI's `reasoning_effort` in the backend's words (`thinking_effort`).

The backend refuses words that it does not list for the model (422), so a wish is brought to what is listed.
"""

from typing import Final

from translate.values.listed import ListedModel

EFFORTS: Final = ("min", "standard", "extended", "max")
"""The backend's words, from short to long."""

WANTED: Final = {
    "minimal": "min",
    "none": "min",
    "low": "standard",
    "medium": "extended",
    "high": "max",
    "xhigh": "max",
    "max": "max",
}
"""What each of OpenAI's words asks for. `min` is seldom listed: then it becomes `standard`."""


def thinking_effort(reasoning_effort: str, model: ListedModel | None) -> str:
    """The `thinking_effort` to be sent; "" for none, which leaves the choice to the backend.

    It is the one wanted if `model` lists it, else the next shorter one that it lists, else the next longer
    one. There is none for a word that OpenAI does not have, and for a model that lets a request not choose.
    """
    wanted = WANTED.get(reasoning_effort)
    if wanted is None or model is None:
        return ""
    place = EFFORTS.index(wanted)
    by_nearness = (*reversed(EFFORTS[: place + 1]), *EFFORTS[place + 1 :])
    return next((effort for effort in by_nearness if effort in model.efforts), "")


def reasoning_efforts(model: ListedModel) -> tuple[str, ...]:
    """OpenAI's words that `model` tells apart, one for each effort that it lists, from short to long."""
    words: dict[str, str] = {}
    for word, wanted in WANTED.items():
        if wanted in model.efforts:
            words.setdefault(wanted, word)
    return tuple(words.values())
