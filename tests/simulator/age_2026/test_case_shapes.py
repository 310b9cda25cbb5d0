"""What the simulator of 2026 sends has the shapes of the constructed cases."""

import json
from pathlib import Path

from simulator import Knobs
from simulator.kind_names import KIND_NAMES_2026
from tests.simulator.age_2026.shapes import Shapes
from tests.simulator.age_2026.user_socket import user_socket
from tests.simulator.client import API, IN_2026, ask, ask_2026, call, running, until

CASES = Path(__file__).parents[2] / "fixtures" / "cases"
KINDS = (*KIND_NAMES_2026, "text", "draw", "draw_refused", "browse")


def shapes_of_cases() -> Shapes:
    shapes = Shapes()
    for path in CASES.rglob("*.sse"):
        if path.name != "glued-payloads.sse":
            shapes.add_stream(path.read_bytes())
    for path in CASES.rglob("*.ws.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            received = json.loads(line).get("recv", [])
            shapes.add_frames(received if isinstance(received, list) else [received])
    for path in CASES.rglob("*.poll.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            body = json.loads(line)["body"]
            if "mapping" in body:
                shapes.add_tree(body)
    return shapes


async def shapes_of_simulator() -> Shapes:
    shapes = Shapes()
    async with running(Knobs(age="2026", task_time=0.0, cap=0, citations="normal")) as simulator:
        for kind in KINDS:
            for forms in ("usual", "loose"):
                answer = await ask_2026(simulator, f"Tea [[sim kind={kind} tokens=40 forms={forms}]]")
                shapes.add_stream(answer.body)
                await until(lambda: not simulator.state.open_streams)
        shapes.add_stream((await ask_2026(simulator, "Tea [[sim citations=patch kind=search]]")).body)
        shapes.add_stream((await ask_2026(simulator, "Tea [[sim unknown]]")).body)
        shapes.add_stream((await ask(simulator, "Tea", model="gpt-5-6")).body)
    async with running(IN_2026) as simulator, user_socket(simulator) as socket:
        await socket.command(2, type="subscribe", topic_id="conversations", offset="0")
        drawn = await ask_2026(simulator, "Draw a cat [[sim previews=2]]")
        await until(lambda: "conversation_async_status" in str(socket.frames[-1]))
        path = f"{API}/conversation/{drawn.records[0]['conversation_id']}"
        shapes.add_tree((await call(simulator, "GET", path)).json)
        long = await ask_2026(simulator, "Tea [[sim handoff=mid heartbeat=0.005 endless]]")
        shapes.add_stream(long.body)
        (handoff,) = [record for record in long.records if record["type"] == "stream_handoff"]
        topic = f"conversation-turn-{handoff['turn_exchange_id']}"
        await socket.command(3, type="subscribe", topic_id=topic, offset="0")
        await until(lambda: any(each["type"] == "heartbeat" for each in socket.payloads(topic)))
        shapes.add_frames(socket.frames)
    return shapes


async def test_what_is_sent_has_the_fields_of_the_cases() -> None:
    expected, sent = shapes_of_cases(), (await shapes_of_simulator()).by_name
    common = expected.by_name.keys() & sent.keys()
    assert len(common) > 25
    wrong = list[tuple[str, list[str]]]()
    for name in sorted(common):
        usual = expected.usual_fields(name)
        if name.startswith("delta of"):
            usual -= {"p", "o"}  # left out where they are as in the last delta
        wrong += [(name, sorted(usual - shape)) for shape in sent[name] if usual - shape]
    assert wrong == []
