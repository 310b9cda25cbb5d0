"""instructor: typed answers in three of its modes."""

import instructor
from openai import OpenAI
from pydantic import BaseModel

from tests.clients.python.reporting import KEY, MODEL, URL, Feature, report


class Verdict(BaseModel):
    """What a judge says."""

    status: str
    reasons: list[str]


def typed(mode: instructor.Mode) -> None:
    client = instructor.from_openai(OpenAI(base_url=URL, api_key=KEY), mode=mode)
    verdict = client.chat.completions.create(
        model=MODEL,
        response_model=Verdict,
        messages=[{"role": "user", "content": "Judge tea."}],
        max_retries=0,
    )
    assert isinstance(verdict, Verdict)


if __name__ == "__main__":
    report(
        ["instructor"],
        {
            "`Mode.TOOLS`": Feature(lambda: typed(instructor.Mode.TOOLS)),
            "`Mode.TOOLS_STRICT`": Feature(lambda: typed(instructor.Mode.TOOLS_STRICT)),
            "`Mode.JSON`": Feature(lambda: typed(instructor.Mode.JSON)),
            "`Mode.JSON_SCHEMA`": Feature(lambda: typed(instructor.Mode.JSON_SCHEMA)),
        },
    )
