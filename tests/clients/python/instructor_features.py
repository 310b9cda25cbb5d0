"""instructor: typed answers in three of its modes."""

import instructor
from openai import OpenAI
from pydantic import BaseModel

from tests.clients.python.reporting import (
    CAPPED,
    CAPPED_KEY,
    KEY,
    MODEL,
    NO_MODEL,
    REFUSED_KEY,
    URL,
    Feature,
    refused,
    report,
)


class Verdict(BaseModel):
    """What a judge says."""

    status: str
    reasons: list[str]


def judged(
    mode: instructor.Mode, question: str = "Judge tea.", model: str = MODEL, key: str = KEY
) -> Verdict:
    client = instructor.from_openai(OpenAI(base_url=URL, api_key=key), mode=mode)
    verdict: Verdict = client.chat.completions.create(
        model=model,
        response_model=Verdict,
        messages=[{"role": "user", "content": question}],
        max_retries=0,
    )
    return verdict


def typed(mode: instructor.Mode) -> None:
    assert isinstance(judged(mode), Verdict)


def refusal(question: str = "Judge tea.", model: str = MODEL, key: str = KEY) -> None:
    refused(Exception, lambda: judged(instructor.Mode.TOOLS, question, model, key))


if __name__ == "__main__":
    report(
        ["instructor"],
        {
            "schema": Feature(lambda: typed(instructor.Mode.TOOLS)),
            "401": Feature(lambda: refusal(key=REFUSED_KEY), posts=0),
            "404": Feature(lambda: refusal(model=NO_MODEL), posts=0),
            "429": Feature(lambda: refusal(CAPPED, key=CAPPED_KEY)),
            "`Mode.TOOLS_STRICT`": Feature(lambda: typed(instructor.Mode.TOOLS_STRICT)),
            "`Mode.JSON`": Feature(lambda: typed(instructor.Mode.JSON)),
            "`Mode.JSON_SCHEMA`": Feature(lambda: typed(instructor.Mode.JSON_SCHEMA)),
        },
    )
