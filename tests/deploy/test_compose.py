"""The compose files: valid, hardened, and true to the service's own settings."""

import json
import re
import shlex
from ipaddress import ip_address, ip_network
from typing import Any

import compose_spec
import pytest
import yaml

from settings import ALIASES, Settings
from settings.spec import specs_of
from tests.deploy.compose import DEPLOY, FILES, filled_in, load
from tests.deploy.env_example import OF_THE_CONTAINER
from tests.docs.pages import RUNNING
from translate.values import BUILT_IN

SERVICES = [
    pytest.param(file, name, id=f"{file}-{name}") for file in FILES for name in load(file)["services"]
]
NO_SECRETS = {"PROXY_API_PREFIX_FILE": "", "REDIS_URL_FILE": ""}
OWN = [pytest.param(file, id=file) for file in FILES]
PROFILES = {"chat", "metrics", "alerts"}
MIB = 1 << 20
AT_ITS_WORST = 200 * MIB
"""What the service needs beside its limits; tests/soak/siege.py holds it to that."""


def seconds(text: str) -> float:
    return float(re.fullmatch(r"(\d+)s", text)[1])  # type: ignore[index]


def mib(text: str) -> int:
    return int(re.fullmatch(r"(\d+)m", text)[1])  # type: ignore[index]


def service(file: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = load(file)["services"][name]
    return found


@pytest.mark.parametrize("file", ["common.yaml", *FILES])
def test_file_is_valid_by_the_compose_specification(file: str) -> None:
    # The one address that the specification allows and the validator does not know.
    text = filled_in(file).replace("host-gateway", "192.0.2.1")
    parsed = compose_spec.PyOptions(apply_merge=True).from_yaml(text)
    if file != "common.yaml":  # what it needs is declared where it is extended
        parsed.validate()


@pytest.mark.parametrize("file", FILES)
def test_file_resolved_is_valid_by_the_compose_specification(file: str) -> None:
    document = load(file)
    for name, definition in document["services"].items():
        definition.pop("extra_hosts", None)
        assert "extends" not in definition, name
    compose_spec.PyCompose.from_yaml(yaml.safe_dump(document)).validate()


@pytest.mark.parametrize("file", FILES)
def test_backend_must_be_named(file: str) -> None:
    with pytest.raises(KeyError):
        filled_in("common.yaml", {})
    assert service(file, "pandora")["environment"]["BASE_URL"] == "http://backend:8181"


@pytest.mark.parametrize(("file", "name"), SERVICES)
def test_container_can_do_no_more_than_it_must(file: str, name: str) -> None:
    container = service(file, name)
    assert re.fullmatch(r"[1-9]\d*:\d+", container["user"])
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["init"] is True
    assert any(entry.startswith("/tmp:size=") for entry in container["tmpfs"])
    assert "privileged" not in container
    assert not any("docker.sock" in volume for volume in container.get("volumes", []))


@pytest.mark.parametrize(("file", "name"), SERVICES)
def test_container_cannot_fill_the_machine(file: str, name: str) -> None:
    container = service(file, name)
    assert re.fullmatch(r"\d+m", container["mem_limit"])
    assert 0 < container["pids_limit"] <= 256
    assert container["logging"]["options"].keys() == {"max-size", "max-file"}


@pytest.mark.parametrize(("file", "name"), SERVICES)
def test_image_is_pinned_by_version(file: str, name: str) -> None:
    assert re.search(r":v?\d+\.\d+\.\d+(-alpine)?(@sha256:[0-9a-f]{64})?$", service(file, name)["image"])


@pytest.mark.parametrize(("file", "name"), SERVICES)
def test_ports_are_published_on_loopback_by_default(file: str, name: str) -> None:
    for port in service(file, name).get("ports", []):
        assert port.startswith("127.0.0.1:")


@pytest.mark.parametrize(("file", "name"), SERVICES)
def test_health_is_checked_without_curl(file: str, name: str) -> None:
    check = service(file, name)["healthcheck"]
    assert check["test"][0] in ("CMD", "CMD-SHELL")
    assert not any("curl" in word for word in check["test"])
    assert seconds(check["timeout"]) < seconds(check["interval"])


@pytest.mark.parametrize(("file", "name"), SERVICES)
def test_start_does_not_wait_for_the_usual_interval(file: str, name: str) -> None:
    check = service(file, name)["healthcheck"]
    assert seconds(check["start_interval"]) <= 2
    assert seconds(check["start_period"]) >= seconds(check["interval"]), "it counts within that time only"


@pytest.mark.parametrize("file", OWN)
def test_service_has_time_to_drain(file: str) -> None:
    container = service(file, "pandora")
    drain = Settings.from_env({}).drain_timeout
    assert seconds(container["stop_grace_period"]) >= drain + 10


@pytest.mark.parametrize("file", OWN)
def test_memory_of_the_service_is_enough_for_its_limits(file: str) -> None:
    container, settings = service(file, "pandora"), Settings.from_env({})
    (scratch,) = container["tmpfs"]  # counts as memory of the container
    needed = AT_ITS_WORST + 2 * settings.max_buffered_bytes + 2 * settings.media_max_file_bytes
    assert mib(container["mem_limit"]) >= needed / MIB + mib(scratch.removeprefix("/tmp:size="))


def test_memory_at_the_worst_is_what_the_setting_tells() -> None:
    sentence = specs_of(Settings)["max_buffered_bytes"].sentence
    told = f"the service needs {AT_ITS_WORST // MIB} MiB, this twice, and that file twice"
    assert told in sentence


def test_balancer_has_memory_for_the_bodies_that_wait_in_it() -> None:
    container = service("compose.scale.yaml", "nginx")
    (scratch,) = container["tmpfs"]
    room = mib(re.match(r"/tmp:size=(\d+m)", scratch)[1])  # type: ignore[index]
    assert room + 128 <= mib(container["mem_limit"])


def test_container_of_the_guide_is_as_closed_as_that_of_the_stack() -> None:
    container = service("compose.yaml", "pandora")
    found = re.search(r"^docker run -d ((?:.*\\\n)*.*)$", RUNNING, re.MULTILINE)
    assert found is not None
    words = shlex.split(found[1])
    assert words[-1] == container["image"]
    given = " ".join(words)
    for option in (
        "--init",
        "--read-only",
        "--cap-drop ALL",
        f"--restart {container['restart']}",
        f"--security-opt {container['security_opt'][0].removesuffix(':true')}",
        f"--tmpfs {container['tmpfs'][0]}",
        f"--memory {container['mem_limit']}",
        f"--pids-limit {container['pids_limit']}",
        f"--stop-timeout {container['stop_grace_period'].removesuffix('s')}",
        f"-p {container['ports'][0]}",
    ):
        assert option in given, option


@pytest.mark.parametrize("file", OWN)
def test_service_checks_its_health_as_the_image_does(file: str) -> None:
    dockerfile = (DEPLOY.parent / "Dockerfile").read_text()
    assert service(file, "pandora")["healthcheck"]["test"][-1] in dockerfile


@pytest.mark.parametrize("file", OWN)
def test_environment_of_the_service_is_accepted_by_its_settings(
    file: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    secrets = {"PROXY_API_PREFIX_FILE": "prefix0001", "REDIS_URL_FILE": "redis://:secret@redis:6379/0"}
    environment = dict(service(file, "pandora")["environment"])
    known = {spec.name for spec in specs_of(Settings).values()}
    for name in environment:
        assert name in known or name.removesuffix("_FILE") in known
        if name in secrets:
            path = tmp_path_factory.mktemp("secrets") / name
            path.write_text(secrets[name] + "\n")
            environment[name] = str(path)
    settings = Settings.from_env(environment)
    assert settings.proxy_api_prefix == "prefix0001"


@pytest.mark.parametrize(("file", "name"), SERVICES)
def test_secrets_come_as_files(file: str, name: str) -> None:
    document = load(file)
    container = document["services"][name]
    for secret in container.get("secrets", []):
        assert document["secrets"][secret]["file"].startswith("./secrets/")
    mounted = {f"/run/secrets/{secret}" for secret in container.get("secrets", [])}
    environment = container.get("environment", {})
    assert {value for value in environment.values() if value.startswith("/run/secrets/")} <= mounted
    assert not environment.keys() & {"PROXY_API_PREFIX", "REDIS_URL", "ADMIN_TOKEN", "KEY_ALIASES"}


@pytest.mark.parametrize(("file", "name"), SERVICES)
def test_files_that_are_mounted_exist(file: str, name: str) -> None:
    document = load(file)
    for volume in document["services"][name].get("volumes", []):
        source = volume.split(":")[0]
        if source.startswith("."):
            assert (DEPLOY / source).exists()
            assert volume.endswith(":ro")
        else:
            assert source in document["volumes"]


def test_secrets_are_never_committed() -> None:
    ignored = (DEPLOY / ".gitignore").read_text().split()
    assert {"/secrets/", "/.env"} <= set(ignored)


def test_scaled_instances_share_their_files_and_are_reached_through_nginx_alone() -> None:
    document = load("compose.scale.yaml")
    instances = document["services"]["pandora"]
    assert instances["deploy"]["replicas"] >= 2
    assert "ports" not in instances
    assert "state:/state" in instances["volumes"]
    assert instances["environment"]["UPLOAD_BASE_URL"] == "https://chat.example.org"
    assert document["services"]["nginx"]["ports"] == ["127.0.0.1:33333:8080"]


def test_scaled_instances_believe_nginx_and_nobody_else() -> None:
    document = load("compose.scale.yaml")
    (config,) = document["networks"]["default"]["ipam"]["config"]
    address = ip_address(document["services"]["nginx"]["networks"]["default"]["ipv4_address"])
    trusted = Settings.from_env(document["services"]["pandora"]["environment"] | NO_SECRETS).trusted_proxies
    assert trusted == (ip_network(str(address)),)
    assert address in ip_network(config["subnet"])
    assert address not in ip_network(config["ip_range"]), "another container could get it"
    assert ip_network(config["ip_range"]).network_address in ip_network(config["subnet"])


def test_without_a_proxy_of_ours_none_is_believed_unless_it_is_named() -> None:
    assert service("compose.yaml", "pandora")["environment"]["TRUSTED_PROXIES"] == ""


def test_redis_asks_for_a_password_and_has_no_way_out() -> None:
    document = load("compose.scale.yaml")
    redis = document["services"]["redis"]
    assert redis["networks"] == ["state"]
    assert document["networks"]["state"]["internal"] is True
    assert redis["command"].startswith("redis-server /run/secrets/redis.conf")
    users = [name for name, one in document["services"].items() if "state" in one.get("networks", [])]
    assert sorted(users) == ["pandora", "redis"]


FRONT_ENDS = [
    ("compose.yaml", "http://pandora:33333"),
    ("compose.scale.yaml", "http://nginx:8080"),
]
"""Where the front ends of each file find the service."""


@pytest.mark.parametrize(("file", "address"), FRONT_ENDS)
def test_front_ends_ask_the_service(file: str, address: str) -> None:
    assert service(file, "nextchat")["environment"]["BASE_URL"] == address
    assert service(file, "open-webui")["environment"]["OPENAI_API_BASE_URL"] == f"{address}/v1"


def test_front_end_offers_models_that_the_service_has() -> None:
    environment = service("compose.yaml", "nextchat")["environment"]
    hidden, *offered = environment["CUSTOM_MODELS"].split(",")
    assert hidden == "-all"
    names = [re.fullmatch(r"\+(.*)@OpenAI", name)[1] for name in offered]  # type: ignore[index]
    assert set(names) <= {model.name for model in BUILT_IN} | ALIASES.keys()
    assert environment["DEFAULT_MODEL"] in names
    assert set(environment["VISION_MODELS"].split(",")) <= set(names)


def test_front_end_begins_with_its_default_model() -> None:
    # NextChat begins with this one wherever it is offered.
    environment = service("compose.yaml", "nextchat")["environment"]
    assert "gpt-4o-mini" not in environment["CUSTOM_MODELS"]


def test_front_end_listens_where_its_health_check_asks() -> None:
    assert service("compose.yaml", "nextchat")["environment"]["HOSTNAME"] == "0.0.0.0"


def test_front_end_has_its_own_tools_off_and_its_side_requests_on() -> None:
    environment = service("compose.yaml", "open-webui")["environment"]
    assert json.loads(environment["DEFAULT_MODEL_METADATA"]) == {"capabilities": {"builtin_tools": False}}
    assert not [name for name in environment if name.endswith("_GENERATION")]
    assert environment["TASK_MODEL_EXTERNAL"] == "gpt-3.5-turbo"


@pytest.mark.parametrize("file", OWN)
def test_only_what_carries_the_api_starts_without_a_profile(file: str) -> None:
    services = load(file)["services"]
    plain = {name for name, one in services.items() if "profiles" not in one}
    assert plain == {"compose.yaml": {"pandora"}, "compose.scale.yaml": {"pandora", "nginx", "redis"}}[file]
    assert {profile for one in services.values() for profile in one.get("profiles", [])} == PROFILES


@pytest.mark.parametrize("file", OWN)
def test_all_profiles_can_run_together(file: str) -> None:
    services = load(file)["services"].values()
    published = [port.rsplit(":", 2)[1] for one in services for port in one.get("ports", [])]
    assert len(published) == len(set(published))


@pytest.mark.parametrize("file", OWN)
def test_nothing_waits_for_what_another_profile_starts(file: str) -> None:
    services = load(file)["services"]
    for one in services.values():
        for other in one.get("depends_on", {}):
            assert set(services[other].get("profiles", [])) <= set(one.get("profiles", []))


@pytest.mark.parametrize("file", OWN)
def test_service_gets_every_setting_of_the_environment_file(file: str) -> None:
    container = service(file, "pandora")
    assert container["env_file"] == [{"path": ".env", "required": False}]
    text = "\n".join((DEPLOY / name).read_text() for name in ("common.yaml", file))
    for name in container["environment"].keys() - OF_THE_CONTAINER:
        assert f"{name}: ${{{name}" in text.replace('"', ""), f"{name} of .env would be overruled"


@pytest.mark.parametrize("file", OWN)
def test_file_that_is_replaced_is_seen_by_the_service(file: str) -> None:
    container = service(file, "pandora")
    assert "./config:/config:ro" in container["volumes"], "a folder: a mounted file would stay the old one"
    assert container["environment"]["GPTS_FILE"] == "/config/gpts.json"


def test_files_of_the_operator_are_never_committed() -> None:
    lines = (DEPLOY / "config" / ".gitignore").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["*", "!.gitignore"]


def test_alerts_go_to_the_address_of_a_secret() -> None:
    config = yaml.safe_load((DEPLOY / "alertmanager" / "alertmanager.yml").read_text())
    receivers = {receiver["name"]: receiver for receiver in config["receivers"]}
    (hook,) = receivers[config["route"]["receiver"]]["webhook_configs"]
    assert hook == {"url_file": "/run/secrets/alert_webhook"}
    assert service("compose.yaml", "alertmanager")["secrets"] == ["alert_webhook"]
