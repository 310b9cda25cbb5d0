"""Answers with calls of tools, or with JSON: the same of them however they are cut."""

import random
from itertools import count
from typing import Final

from translate.tools import AnswerContract
from translate.values import ApiError, JsonFormat, JsonObject, Kept, Tool, Toolbox

NONCE: Final = "7f3a9c12"
SCHEMA: Final[JsonObject] = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
TOOLS: Final = (
    Tool("f", parameters=SCHEMA),
    Tool("Patch", raw=True),
    Tool("s", parameters=SCHEMA, strict=True),
)
KINDS: Final = (
    (Toolbox(TOOLS), None),
    (Toolbox(TOOLS, "required", parallel=False), None),
    (Toolbox(TOOLS, "none"), None),
    (Toolbox(TOOLS), JsonFormat("x", "", SCHEMA)),
    (None, JsonFormat("x", "", SCHEMA, strict=True)),
    (None, JsonFormat()),
)
PARTS: Final = (
    f'<call-{NONCE} name="f">', f"</call-{NONCE}>", f'<call-{NONCE} name="patch" raw>',
    f"<result-{NONCE} id=1>", '{"a": 1}', '{"a": "1",}', '"{}"', "```json\n", "```", "~~~", "`", "\n", " ",
    "<", "</call-", "\\", '"', "words",
)  # fmt: skip


def calls_seeds() -> list[bytes]:
    """The kind of the contract, and an answer."""
    call = f"{PARTS[0]}\n{PARTS[4]}\n{PARTS[1]}"
    texts = (call, f"Look.\n\n{call}\n{call}", f"```\n{call}\n```", f"`{call}`", PARTS[4], f"So: {PARTS[4]}")
    return [bytes([kind]) + text.encode() for kind in range(len(KINDS)) for text in texts]


def damaged_calls(rng: random.Random, data: bytes) -> bytes:
    """Another answer."""
    text = data[1:].decode(errors="replace")
    for _ in range(rng.randint(1, 6)):
        at, part = rng.randint(0, len(text)), rng.choice(PARTS)
        text = text[:at] + part[: rng.randint(1, len(part))] + text[at + rng.choice((0, 0, 1, 5)) :]
    return bytes([rng.randrange(len(KINDS))]) + text.encode()


def check_calls(data: bytes) -> None:
    """See the module's text; and no tag of ours outside of code, no calls of tools that there are not."""
    toolbox, form = KINDS[data[0] % len(KINDS) if data else 0]
    text = data[1:].decode(errors="replace")
    whole = _outcome(toolbox, form, text, len(text) or 1)
    for size in (1, 7):
        assert _outcome(toolbox, form, text, size) == whole, "the outcome depends on the cuts"


def _outcome(toolbox: Toolbox | None, form: JsonFormat | None, text: str, size: int) -> object:
    ids = count(1)
    contract = AnswerContract(toolbox, form, NONCE, lambda: f"call_{next(ids)}")
    shown = "".join(contract.feed(text[at : at + size]) for at in range(0, len(text), size))
    verdict = contract.conclude(cut=False)
    kept = verdict if isinstance(verdict, Kept) else contract.give_up()
    if isinstance(kept, ApiError):
        return shown, verdict, kept.code
    assert all(call.name in {tool.name for tool in TOOLS} for call in kept.calls)
    return shown + kept.text, kept.refusal, [(call.name, call.arguments, call.raw) for call in kept.calls]
