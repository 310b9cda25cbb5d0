"""Code interpreter turns: call, result, errors, figures, sandbox files."""

from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from simulator import Knobs, Simulator
from tests.simulator.client import API, Answer, ask, call, fetch, running

PNG = b"\x89PNG\r\n\x1a\n"


def of_role(answer: Answer, role: str) -> list[dict[str, Any]]:
    return [shown for shown in answer.final().values() if shown["author"]["role"] == role]


def result_of(shown: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = shown["metadata"]["aggregate_result"]
    return found


async def test_a_call_is_assistant_code_to_python_that_does_not_end_the_turn() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Calculate 6*7", model="gpt-4")
    call_, said = of_role(answer, "assistant")
    assert call_["content"] == {"content_type": "code", "language": "python", "text": "print(6*7)"}
    assert (call_["recipient"], call_["end_turn"]) == ("python", False)
    assert call_["metadata"]["finish_details"]["type"] == "stop"
    snapshots = [shown["content"]["text"] for shown in answer.messages if shown["id"] == call_["id"]]
    assert snapshots[0] == ""
    assert len(snapshots) > 3
    assert (said["content"]["parts"], said["end_turn"]) == (["The result is 42."], True)


async def test_code_in_the_question_is_what_is_run() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Run this python:\n```python\nprint(1)\n```", model="gpt-4")
    call_, _ = of_role(answer, "assistant")
    assert call_["content"]["text"] == "print(1)"


async def test_result_runs_and_then_succeeds_under_one_id() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "计算 6*7", model="gpt-4")
    (tool,) = of_role(answer, "tool")
    first, last = (shown for shown in answer.messages if shown["id"] == tool["id"])
    assert tool["author"]["name"] == "python"
    assert first["content"] == {"content_type": "execution_output", "text": ""}
    assert (first["status"], result_of(first)["status"]) == ("in_progress", "running")
    assert last["content"]["text"] == "42\n"
    assert (last["status"], last["end_turn"]) == ("finished_successfully", None)
    assert result_of(last)["status"] == "success"
    assert result_of(last)["messages"][0]["text"] == "42\n"
    assert answer.text == "结果是 42。"


async def test_several_rounds_have_text_between_growing_output_and_an_error() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "[[sim kind=rounds]] Go on")
    assert [shown["recipient"] for shown in of_role(answer, "assistant")] == [
        "all",
        "python",
        "all",
        "python",
        "all",
        "python",
        "all",
    ]
    growing, failed, drawn = of_role(answer, "tool")
    outputs = [shown["content"]["text"] for shown in answer.messages if shown["id"] == growing["id"]]
    assert outputs == ["", "0 0\n1 1\n", "0 0\n1 1\n2 4\n"]
    assert result_of(failed)["status"] == "failed_with_in_kernel_exception"
    assert result_of(failed)["in_kernel_exception"]["name"] == "KeyError"
    assert "KeyError: 'coffee'" in failed["content"]["text"]
    assert drawn["content"]["text"] == "5 points\n\n<<ImageDisplayed>>"


async def test_figure_can_be_fetched_by_its_pointer() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Plot 3, 1, 2", model="gpt-4")
        (tool,) = of_role(answer, "tool")
        (image,) = result_of(tool)["messages"]
        assert image["message_type"] == "image"
        file_id = image["image_url"].removeprefix("file-service://")
        found = await call(simulator, "GET", f"{API}/files/{file_id}/download")
        content = await fetch(simulator, found.json["download_url"])
    assert tool["content"]["text"] == "\n<<ImageDisplayed>>"
    data = result_of(tool)["jupyter_messages"][0]["content"]["data"]
    assert data["image/vnd.openai.fileservice.png"] == image["image_url"]
    assert content.body.startswith(PNG)


async def test_system_error_of_the_tool_is_not_the_end() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "[[sim kind=tool_error]] Go on")
    (tool,) = of_role(answer, "tool")
    assert tool["content"]["content_type"] == "system_error"
    assert tool["content"]["name"] == "AceInternalException"
    assert answer.messages[-1]["end_turn"] is True


async def sandbox_download(simulator: Simulator, answer: Answer, path: str, **changes: str) -> Answer:
    """The directory call for a sandbox link of the answer's last message."""
    values = {"message_id": answer.messages[-1]["id"], "sandbox_path": path, **changes}
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in values.items())
    conversation_id = answer.records[0]["conversation_id"]
    return await call(simulator, "GET", f"{API}/conversation/{conversation_id}/interpreter/download?{query}")


@pytest.mark.parametrize(
    "path",
    [
        "/mnt/data/out.csv",
        "/mnt/data/final report.csv",
        "/mnt/data/年度 报告 (终稿).csv",
        "/mnt/data/100%25.csv",
    ],
)
async def test_sandbox_links_with_awkward_names_can_be_downloaded(path: str) -> None:
    async with running() as simulator:
        answer = await ask(simulator, "[[sim kind=files]] Go on")
        found = await sandbox_download(simulator, answer, path)
        content = await fetch(simulator, found.json["download_url"])
    assert f"(sandbox:{path})" in answer.text
    assert found.json["status"] == "success"
    name = path.rpartition("/")[2].replace("%25", "%")
    assert parse_qs(urlsplit(found.json["download_url"]).query)["rscd"] == [f"attachment; filename={name}"]
    assert "咖啡,5".encode() in content.body


async def test_sandbox_link_needs_the_message_that_shows_it_and_a_known_path() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Make a csv file about tea", model="gpt-4")
        path = "/mnt/data/tea.csv"
        wrong_message = await sandbox_download(simulator, answer, path, message_id=answer.messages[1]["id"])
        wrong_path = await sandbox_download(simulator, answer, "/mnt/data/other.csv")
        right = await sandbox_download(simulator, answer, path)
    for refused in (wrong_message, wrong_path):
        assert (refused.status, refused.json["error_code"]) == (200, "file_not_found")
    assert right.json["status"] == "success"


async def test_sandbox_is_gone_once_the_conversation_is_hidden() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "[[sim kind=files]] Go on")
        path = f"{API}/conversation/{answer.records[0]['conversation_id']}"
        await call(simulator, "PATCH", path, {"is_visible": False})
        found = await sandbox_download(simulator, answer, "/mnt/data/out.csv")
    assert found.status == 404


@pytest.mark.parametrize("status", [200, 403, 404, 410])
async def test_sandbox_expires(status: int) -> None:
    async with running() as simulator:
        answer = await ask(simulator, f"[[sim kind=files sandbox_ttl=0 sandbox_status={status}]] Go on")
        found = await sandbox_download(simulator, answer, "/mnt/data/out.csv")
    assert (found.status, found.json["error_code"]) == (status, "ace_pod_expired")


async def test_made_files_can_need_some_retries() -> None:
    async with running(Knobs(not_ready=2)) as simulator:
        answer = await ask(simulator, "[[sim kind=files]] Go on")
        found = [await sandbox_download(simulator, answer, "/mnt/data/out.csv") for _ in range(3)]
    assert [each.json["status"] for each in found] == ["retry", "retry", "success"]
