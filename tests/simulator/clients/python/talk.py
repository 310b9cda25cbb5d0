"""One talk by revChatGPT, run with the Python that has it; prints what it got as JSON.

Arguments: a key. The backend's address is in CHATGPT_BASE_URL.
"""

import asyncio
import importlib
import json
import sys
import types
from typing import Any

QUESTION = "Tell me about tea [[sim tokens=80]]"
CUT = "Tell me about coffee [[sim tokens=60 finish=max_tokens]]"
TOOLS = "Plot 3, 1, 2 [[sim kind=rounds]]"


class NoLogin:
    """In the place of a login at a third party."""

    def __init__(self, *given: str) -> None: ...


def client() -> Any:
    """The module, its login left out."""
    login = types.ModuleType("OpenAIAuth")
    login.Auth0 = NoLogin  # type: ignore[attr-defined]
    sys.modules["OpenAIAuth"] = login
    return importlib.import_module("revChatGPT.V1")


def talk(v1: Any, key: str) -> dict[str, Any]:
    """What a person does in an afternoon."""
    bot = v1.Chatbot(config={"access_token": key})
    pieces = list(bot.ask(QUESTION))
    again = list(bot.ask("And now shorter, in one word"))
    conversation_id = bot.conversation_id
    bot.gen_title(conversation_id, pieces[-1]["parent_id"])
    bot.change_title(conversation_id, "A talk about tea")
    titles = [each["title"] for each in bot.get_conversations()]
    history = bot.get_msg_history(conversation_id)
    bot.reset_chat()
    cut = list(bot.ask(CUT, auto_continue=True))
    bot.reset_chat()
    tools = list(bot.ask(TOOLS, model="gpt-4"))
    bot.delete_conversation(conversation_id)
    left = [each["id"] for each in bot.get_conversations()]
    return {
        "pieces": pieces,
        "again": again,
        "conversation_id": conversation_id,
        "titles": titles,
        "history": history,
        "cut": cut,
        "tools": tools,
        "left": left,
    }


async def talk_asynchronously(v1: Any, key: str) -> list[dict[str, Any]]:
    """The other half of the package, which reads the stream with another library."""
    bot = v1.AsyncChatbot(config={"access_token": key})
    return [piece async for piece in bot.ask(QUESTION)]


def refusal(v1: Any) -> str:
    """What a dead key leads to."""
    try:
        list(v1.Chatbot(config={"access_token": "fk-dead"}).ask(QUESTION))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def main() -> None:
    """All of it."""
    v1, key = client(), sys.argv[1]
    got = talk(v1, key)
    got["asynchronous"] = asyncio.run(talk_asynchronously(v1, key))
    got["refusal"] = refusal(v1)
    print(json.dumps(got))


if __name__ == "__main__":
    main()
