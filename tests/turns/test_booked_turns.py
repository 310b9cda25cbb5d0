"""What a turn writes into the books: the conversation, its tokens, the model that answered, limits."""

import asyncio
import json
from pathlib import Path

import pytest

from accounts import Credential
from metrics import Attempt
from tests.eventually import eventually
from tests.turns.descriptions import Described
from tests.turns.questions import ALICE, GPT, GPT_4, completion, question, whole_chat
from tests.turns.records import DONE, record
from tests.turns.rig import Rig
from tests.turns.scripted_backend import Call, ScriptedBackend, fails, refused, sends
from translate.values import BackendLimits, Gizmo, Model, ModelLimit, Usage
from turns.encodings import CL100K
from turns.token_counter import SHORT_TEXT
from turns.tokens import load_vocabulary
from upstream import ConnectFailed


async def test_conversation_is_recorded_before_it_is_posted_and_settled_after(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(), tmp_path)
    during: list[Attempt | None] = []

    async def script(call: Call) -> None:
        during.extend(rig.books.outcomes)
        await call.send(record("Hi") + DONE)

    rig.backend = ScriptedBackend(script)
    await rig.run()
    assert during == [None]
    (entry,) = rig.books.entries
    assert (entry.outcome, entry.served, entry.conversation_id) == (Attempt.OK, "gpt-4", "c1")
    assert entry.model is GPT_4
    assert entry.message_id == rig.backend.bodies[0]["messages"][-1]["id"]
    assert rig.books.charges[0].answering


@pytest.mark.parametrize("stream", [record("Hi") + DONE, b""], ids=["whole", "lost"])
async def test_turn_is_over_only_when_its_end_is_durable(tmp_path: Path, stream: bytes) -> None:
    rig = Rig(ScriptedBackend(sends(stream)), tmp_path)
    rig.books.stored.clear()
    turn = asyncio.create_task(rig.run())
    await eventually(lambda: None not in rig.books.outcomes and bool(rig.books.entries))
    await asyncio.sleep(0.02)
    assert not turn.done()
    rig.books.stored.set()
    await turn


@pytest.mark.parametrize("length", [5, SHORT_TEXT + 1])
async def test_tokens_are_told_recorded_and_counted(tmp_path: Path, length: int) -> None:
    text = "word " * length
    rig, format = Rig(ScriptedBackend(sends(record(text) + DONE)), tmp_path), whole_chat()
    outcome = await rig.run(format)
    usage = outcome.usage
    count_tokens = load_vocabulary(CL100K).count_tokens
    assert usage == Usage(7 + count_tokens(["Hello"]), count_tokens([text]))
    assert rig.books.entries[0].tokens == (usage.prompt_tokens, usage.completion_tokens)
    assert completion(format, outcome)["usage"]["completion_tokens"] == usage.completion_tokens
    assert rig.counted("pandora_tokens_total", model="gpt-4-s", direction="prompt") == usage.prompt_tokens
    assert [credential.secret for credential in rig.books.reconciled] == [ALICE.key]


async def test_answer_without_a_conversation_counts_for_one_token_and_in_no_book(tmp_path: Path) -> None:
    rig, format = Rig(ScriptedBackend(sends(record("Hi", conversation_id="") + DONE)), tmp_path), whole_chat()
    outcome = await rig.run(format)
    assert completion(format, outcome)["usage"]["total_tokens"] == 2
    assert outcome.usage == Usage(1, 1), "it was paid for"
    assert rig.books.entries[0].tokens is None
    assert rig.books.reconciled == []


def typed(kind: str, **fields: object) -> bytes:
    """A record that is no message."""
    return b"data: " + json.dumps({"type": kind, **fields}).encode() + b"\n\n"


async def test_limits_that_a_stream_tells_are_kept_for_its_account(tmp_path: Path) -> None:
    told = typed("conversation_detail_metadata", model_limits=[{"model_slug": "gpt-4"}])
    rig = Rig(ScriptedBackend(sends(told + record("Hi") + DONE)), tmp_path)
    await rig.run()
    assert rig.limits.told == [(Credential(ALICE.key), BackendLimits((ModelLimit("gpt-4", "", 0.0),)))]
    assert rig.limits.ended == [Credential(ALICE.key)]


async def test_turn_that_the_backend_did_not_answer_asks_for_no_limits(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(fails(ConnectFailed("refused"))), tmp_path)
    await rig.run()
    assert (rig.limits.told, rig.limits.ended) == ([], [])


@pytest.mark.parametrize(
    ("model", "slug", "told", "substituted"),
    [
        (GPT_4, "gpt-4", "", 0),
        (GPT_4, "gpt-4o-mini", "gpt-4o-mini", 1),
        (Model("auto", "auto", 14), "gpt-4o-mini", "", 0),
        (GPT, "gpt-4", "", 0),
    ],
)
async def test_model_that_answered_in_place_of_another_is_told_and_counted(
    tmp_path: Path, model: Model, slug: str, told: str, substituted: int
) -> None:
    rig = Rig(
        ScriptedBackend(sends(record("Hi", metadata={"model_slug": slug}) + DONE)),
        tmp_path,
        descriptions=Described({"g-abc": Gizmo("g-abc", {})}),
    )
    turn = rig.turn(request=question(model=model))
    outcome = await turn.run(rig.client)
    assert (outcome.answered_by, turn.answered_by) == (told, told)
    label = model.name if model is GPT_4 else "other"
    assert rig.counted("pandora_model_substituted_total", model=label) == substituted


async def test_ledger_gets_the_model_that_really_answered(tmp_path: Path) -> None:
    about = {"model_slug": "gpt-4", "resolved_model_slug": "gpt-4o-mini"}
    rig = Rig(ScriptedBackend(sends(record("Hi", metadata=about) + DONE)), tmp_path)
    await rig.run()
    assert [entry.served for entry in rig.books.entries] == ["gpt-4o-mini"]


async def test_model_that_answered_in_place_of_another_is_counted_once_a_turn(tmp_path: Path) -> None:
    about = {"model_slug": "gpt-4o-mini"}
    cut_short = about | {"finish_details": {"type": "max_tokens"}}
    cut = record("Half a sen", finish="max_tokens", metadata=cut_short) + DONE
    rest = record("tence.", id="a2", metadata=about) + DONE
    rig = Rig(ScriptedBackend(sends(cut), sends(rest)), tmp_path, continue_limit=1)
    await rig.run()
    assert len(rig.backend.calls) == 2
    assert rig.counted("pandora_model_substituted_total", model=GPT_4.name) == 1


async def test_cap_that_the_backend_reports_is_recorded(tmp_path: Path) -> None:
    cap = b'{"detail": {"message": "cap", "code": "model_cap_exceeded", "clears_in": 90}}'
    rig = Rig(ScriptedBackend(refused(429, cap)), tmp_path)
    await rig.run()
    assert rig.books.entries[0].capped_for == 90
