"""Each command in a sentence of the documents, by how it begins, with the way in which it is run."""

from collections.abc import Sequence

from tests.docs.commands.table import STACK, Row
from tests.docs.commands.ways import HeldBy, Installs, IsThere, Menu, NotRun, Replays, Runs

KEY = "python server.py keys add NAME"
RECORDING = "cp {place.service.state}/recordings/* FILE"
LEDGER_OF_THE_POD = (
    "STATE_DIR={place.service.state} python server.py ledger backup other.backup\n"
    "STATE_DIR={place.machine}/state python server.py ledger restore other.backup"
)
OF_THE_BENCHMARKS = "it adds what the benchmarks can do without"
WITH_UVLOOP = "it is `pipx install .` with uvloop, which a lock file has"
ONLY_NAMED = "it is named, without what stands behind it"

PACKAGE = HeldBy(["tests/deploy/test_package.py::installed"])

SENTENCES_TABLE: Sequence[Row] = (
    Row("make ", Menu()),
    Row(".ci/", IsThere()),
    Row("python -m tests.", IsThere()),
    Row("python -m benchmarks", IsThere()),
    Row(".venv/bin/python -m pytest ", IsThere()),
    Row("python -m simulator --age 2026", Replays(own={"--age": "--port 0 --age"})),
    Row(
        "python -m simulator --port 8181 --replay FILE",
        Replays(before=RECORDING, own={"8181": "0"}),
    ),
    Row("python server.py --version", Runs([r"^pandora-to-v1 \d"])),
    Row("python server.py --help", Runs(["BASE_URL"])),
    Row(KEY, Runs([r"^sk-pandora-\S+$"])),
    Row("python server.py keys list", Runs(["NAME"], before=KEY)),
    Row("python server.py keys revoke NAME", Runs(before=KEY)),
    Row('git tag -a v1.0.0 --cleanup=whitespace -m "$(make -s notes)"', Runs(["v1.0.0"], after="git tag")),
    Row("mkdir -p deploy/secrets && touch deploy/secrets/proxy_api_prefix", Runs()),
    Row("curl http://127.0.0.1:33333/v1/models", Runs(["gpt-4-s"], own={"your-key": "fk-your-key"})),
    Row("docker compose -f deploy/compose.yaml ", Runs(), follows=STACK),
    Row("kubectl exec deploy/pandora --", Runs([r"\d+ conversations, as of"], before=LEDGER_OF_THE_POD)),
    Row("sysctl -w ", Runs()),
    Row("ulimit ", Runs([r"\d+|unlimited"])),
    Row("systemd-analyze security", HeldBy(["tests/deploy/test_systemd.py::test_unit_exposes_little"])),
    Row("pip install .", PACKAGE),
    Row("pip install --require-hashes -r requirements.lock", PACKAGE),
    Row("pip install openai", Installs()),
    Row("pip install langchain-openai", Installs()),
    Row("pip install llm", Installs()),
    Row("pip install llama-index-llms-openai-like", Installs()),
    Row("pip install litellm", Installs()),
    Row("npm install ai@6", Installs()),
    Row("pip install py-spy", NotRun(OF_THE_BENCHMARKS)),
    Row("apt-get install nginx", NotRun(OF_THE_BENCHMARKS)),
    Row("pipx install '.[fast]'", NotRun(WITH_UVLOOP)),
    Row("docker buildx imagetools inspect ", NotRun("it asks a registry of images")),
    Row("redis-cli --cluster ", NotRun(ONLY_NAMED)),
    Row("sudo -s", NotRun(ONLY_NAMED)),
    Row("systemctl start", NotRun(ONLY_NAMED)),
)  # fmt: skip
