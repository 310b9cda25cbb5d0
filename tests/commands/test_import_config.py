"""`import-config` prints settings, says what it could not take over, and reads no setting itself."""

import json
from pathlib import Path

import pytest

from tests.service.test_command_line import only_line, run


def written(folder: Path, config: object) -> str:
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    return str(path)


def test_settings_are_on_the_standard_output_and_the_rest_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, {"upstream_base_url": "http://127.0.0.1:8181", "process_workers": 2})
    done = run("server.py", "import-config", path, settings={"PORT": "no port"})
    assert done.returncode == 0
    assert "\nBASE_URL=http://127.0.0.1:8181\n" in done.stdout
    assert "# - process_workers: one process" in done.stdout
    assert done.stderr == (
        "server.py: settings taken over: 1; keys that are not needed here: 1, which the comments explain.\n"
    )


def test_what_could_not_be_taken_over_is_told_and_makes_the_exit_code_1(tmp_path: Path) -> None:
    path = written(tmp_path, {"upstream_base_url": "127.0.0.1", "key_for_gpts_info": "Bearer canary"})
    gpts = tmp_path / "gpts.json"
    gpts.write_text("[]")
    done = run("server.py", "import-config", path, str(gpts))
    assert done.returncode == 1
    told = [line for line in done.stderr.splitlines() if line.startswith("server.py: not taken over: ")]
    assert len(told) == 3
    assert "canary" not in done.stdout + done.stderr


def test_what_is_to_be_looked_at_is_told_and_leaves_the_exit_code(tmp_path: Path) -> None:
    path = written(tmp_path, {"backend_container_url": "http://192.0.2.7:50012"})
    done = run("server.py", "import-config", path)
    assert done.returncode == 0
    assert "\nserver.py: look at UPLOAD_BASE_URL: pictures and files " in done.stderr


@pytest.mark.parametrize("content", [None, "[]", "{"])
def test_file_that_is_no_configuration_is_one_line_that_names_it(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    if content is not None:
        path.write_text(content)
    assert str(path) in only_line(run("server.py", "import-config", str(path)))
