"""The side requests that are known: one row per client, versions and task.

Marks are parts of a client's instructions that are the same for every conversation. They were read in the
sources of the clients, or seen in what they send. A version that writes its instructions otherwise needs a
row of its own.
"""

from typing import Final

from translate.sides.nextchat import SUMMARIES, TITLES
from translate.sides.shapes import Mark, Shape, SideTask


def _open_webui(key: str) -> tuple[Mark, ...]:
    """The one message of a request for JSON with this `key`, which has its form from `key` on."""
    parts = ("### Guidelines:\n", "### Output:\n", key, "### Chat History:\n<chat_history>\n")
    return (Mark("### Task:\n", parts, "</chat_history>"),)


SHAPES: Final = (
    Shape("nextchat", "2.9 to 2.16", SideTask.TITLE, last=TITLES, within=True, streams=False),
    Shape(
        "nextchat",
        "2.9 to 2.16",
        SideTask.SUMMARY,
        last=SUMMARIES,
        within=True,
        role="system",
        streams=True,
    ),
    Shape(
        "open-webui", "from 0.6", SideTask.TITLE, first=_open_webui('{ "title": "'), alone=True, streams=False
    ),
    Shape(
        "open-webui", "from 0.6", SideTask.TAGS, first=_open_webui('{ "tags": ['), alone=True, streams=False
    ),
    Shape(
        "open-webui",
        "from 0.6",
        SideTask.FOLLOW_UPS,
        first=_open_webui('{ "follow_ups": ['),
        alone=True,
        streams=False,
    ),
    Shape(
        "open-webui",
        "from 0.6",
        SideTask.QUERIES,
        first=_open_webui('"queries": ['),
        alone=True,
        streams=False,
    ),
    Shape(
        "open-webui",
        "from 0.6",
        SideTask.COMPLETION,
        first=(Mark("### Task:\n", ("### **Output Rules**", '"text": ', "### Context:"), "#### Output:"),),
        alone=True,
        streams=False,
    ),
    Shape(
        "lobechat",
        "1",
        SideTask.TITLE,
        system=(
            Mark("You are a professional conversation summarizer.", ("ONLY the title text", "locale code: ")),
            Mark("You are a conversation-savvy assistant.", (), "title within 5 words."),
            Mark("你是一名擅长会话的助理，", (), "10 个字以内的标题"),
        ),
        first=(Mark("user: "), Mark("assistant: "), Mark("system: ")),
        alone=True,
    ),
    Shape(
        "lobechat",
        "2",
        SideTask.TITLE,
        system=(Mark("You are a professional conversation summarizer.", ("\nRules:\n", "locale code: ")),),
        first=(Mark("<task>\n", ("</task>\n\n<conversation>\n",)),),
        alone=True,
    ),
    Shape(
        "lobechat",
        "1 and 2",
        SideTask.TAGS,
        system=(Mark("你是一名擅长会话标签总结的助理", (), "输出: {标签}"),),
        last=(Mark("输入: {", (), "]"),),
    ),
    Shape(
        "lobechat",
        "1 and 2",
        SideTask.SUMMARY,
        system=(
            Mark("You're an assistant who's good at extracting key takeaways", ("</chat_history>",)),
            Mark("You are a conversation context compressor."),
        ),
        first=(Mark("<chat_history>"), Mark("Existing conversation summary:\n")),
        alone=True,
    ),
    Shape(
        "lobechat",
        "2",
        SideTask.FOLLOW_UPS,
        system=(Mark("You are a sidecar that extracts 0-4 quick-reply suggestions"),),
        first=(Mark('Last assistant message:\n"""\n', (), '"""'),),
        alone=True,
    ),
    Shape(
        "lobechat",
        "1",
        SideTask.COMPLETION,
        system=(
            Mark("Complete the user's partially typed message."),
            Mark("You are an autocomplete engine for a chat input box."),
        ),
        last=(Mark('Before cursor: "', ('"\nAfter cursor: "',), '"'),),
    ),
    Shape(
        "lobechat",
        "2",
        SideTask.COMPLETION,
        system=(Mark("You are an inline autocomplete engine for a chat input box."),),
        last=(
            Mark("<conversation>\n", (), "</draft>"),
            Mark("The user is typing a new message", ("<draft>\n",), "</draft>"),
        ),
        alone=True,
    ),
    Shape(
        "librechat",
        "0.8",
        SideTask.TITLE,
        first=(
            Mark("Provide a concise, 5-word-or-less title", ("title itself.\n\nConversation:\nUser: ",)),
            Mark("Analyze this conversation and provide:\n1. ", ("\n2. ", "quotation)\n\nUser: ")),
        ),
        alone=True,
        streams=False,
    ),
    Shape(
        "librechat",
        "0.8",
        SideTask.MEMORY,
        first=(Mark("# Current Chat:\n\n"),),
        tools=frozenset(("set_memory", "delete_memory")),
    ),
    Shape(
        "opencode",
        "1",
        SideTask.TITLE,
        system=(Mark("You are a title generator. You output ONLY a thread title."),),
        first=(Mark("Generate a title for this conversation:"),),
    ),
    Shape(
        "opencode",
        "1",
        SideTask.SUMMARY,
        system=(
            Mark("You are a helpful AI assistant tasked with summarizing conversations."),
            Mark("You are an anchored context summarization assistant for coding sessions."),
            Mark("You are a context summarization agent."),
        ),
        last=(
            Mark("Provide a detailed but concise summary of our conversation above."),
            Mark("Provide a detailed prompt for continuing our conversation above."),
            Mark("Create a new anchored summary "),
            Mark("Update the anchored summary "),
            Mark("Here is the conversation so far:\n\n<conversation>"),
        ),
    ),
    Shape(
        "qwen-code",
        "0",
        SideTask.TITLE,
        system=(Mark("Generate a concise, sentence-case title (3-7 words)", ('{"title": "',)),),
        first=(Mark("Conversation so far:\n"),),
        alone=True,
    ),
    Shape(
        "qwen-code",
        "0",
        SideTask.SUMMARY,
        system=(Mark("You are the component that summarizes ", ("<state_snapshot>",)),),
        last=(
            Mark("First, ", ("scratchpad.",), "<state_snapshot>."),
            Mark("First, reason in your <analysis> block.", (), "<state_snapshot> XML."),
        ),
    ),
    Shape(
        "qwen-code",
        "0.24",
        SideTask.SUMMARY,
        last=(
            Mark("You are the component that summarizes ", ("</state_snapshot>",), "<state_snapshot> XML."),
        ),
        within=True,
    ),
    Shape(
        "qwen-code",
        "0",
        SideTask.FOLLOW_UPS,
        last=(
            Mark(
                "[SUGGESTION MODE: Suggest what the user might naturally type next.]\n",
                (),
                "no quotes or explanation.",
            ),
        ),
        within=True,
    ),
    Shape(
        "qwen-code",
        "0",
        SideTask.MEMORY,
        system=(
            Mark("You are now acting as the managed memory extraction subagent "),
            Mark("You are a background memory extraction agent "),
        ),
    ),
    Shape(
        "claude-code",
        "2.1",
        SideTask.TITLE,
        system=(
            Mark("You are ", ("\n\nGenerate a concise, sentence-case title (3-7 words)", '{"title": "')),
        ),
        first=(
            Mark(
                "<session>\n",
                (),
                "\n</session>\n\nWrite the title in the language the user wrote in, "
                "regardless of the language of the examples above.",
            ),
        ),
        alone=True,
    ),
    Shape(
        "codex",
        "0.171",
        SideTask.TITLE,
        first=(Mark("<environment_context>\n"),),
        last=(Mark("Generate a concise, single-line task title ", ("\n\nUser prompt:\n",)),),
        bare=True,  # what a person asks comes with the agent's tools
    ),
)
