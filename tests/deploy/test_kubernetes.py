"""The manifests for Kubernetes: valid by its schemas, closed as the containers are, true to the settings."""

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from server import VERSION
from settings import Settings
from settings.spec import specs_of
from tests.deploy.compose import load
from tests.deploy.image import ROOT, environment, only, stages
from tests.docs.pages import MONITORING
from tests.service.deployment import deployed

FOLDER = ROOT / "deploy" / "kubernetes"
VERSIONS = ("1.30", "1.37")
"""Of Kubernetes: the oldest that is meant and the newest whose schemas are there."""
KUSTOMIZATION: dict[str, Any] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
APPLIED: list[str] = KUSTOMIZATION["resources"]
BESIDE = ["secret.example.yaml", "pod-monitor.yaml", "horizontal-pod-autoscaler.example.yaml"]
"""What is applied by itself, where it is wanted."""
NAME = {"app.kubernetes.io/name": "pandora-to-v1"}


def manifest(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text())
    return found


SPEC: dict[str, Any] = manifest("deployment.yaml")["spec"]
POD: dict[str, Any] = SPEC["template"]["spec"]
(CONTAINER,) = POD["containers"]
SETTINGS = dict(
    line.split("=", 1) for line in (FOLDER / "settings.env").read_text().splitlines() if line[:1].isalpha()
)
SECRETS: dict[str, str] = manifest("secret.example.yaml")["stringData"]
COMPOSE = load("compose.scale.yaml")["services"]["pandora"]


def bytes_of(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(Mi|m)", text).groups()  # type: ignore[union-attr]
    assert unit in ("Mi", "m")  # Kubernetes' and Compose's word for the same
    return int(number) << 20


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", [name for name in [*APPLIED, *BESIDE] if name != "pod-monitor.yaml"])
def test_manifest_is_valid(name: str, version: str) -> None:
    kubernetes_validate.validate(manifest(name), version, strict=True)


def test_monitor_has_the_fields_of_its_definition() -> None:
    """Those of monitoring.coreos.com/v1 that are used; its schema is no part of Kubernetes."""
    monitor = manifest("pod-monitor.yaml")
    assert (monitor["apiVersion"], monitor["kind"]) == ("monitoring.coreos.com/v1", "PodMonitor")
    assert monitor["spec"].keys() == {"selector", "podMetricsEndpoints"}
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint.keys() == {"port", "path", "interval", "relabelings"}
    (relabeling,) = endpoint["relabelings"]
    rules = (ROOT / "deploy" / "prometheus" / "alerts.yml").read_text()
    assert relabeling["targetLabel"] == "job"
    assert f'job="{relabeling["replacement"]}"' in rules


def test_folder_holds_what_is_named_and_nothing_else() -> None:
    files = {path.name for path in FOLDER.iterdir()}
    assert files == {*APPLIED, *BESIDE, "kustomization.yaml", "settings.env"}


def test_manifests_mean_the_same_pods() -> None:
    assert SPEC["selector"]["matchLabels"] == SPEC["template"]["metadata"]["labels"] == NAME
    assert manifest("service.yaml")["spec"]["selector"] == NAME
    for name in ("pod-disruption-budget.yaml", "pod-monitor.yaml"):
        assert manifest(name)["spec"]["selector"]["matchLabels"] == NAME
    target = manifest("horizontal-pod-autoscaler.example.yaml")["spec"]["scaleTargetRef"]
    deployment = manifest("deployment.yaml")
    assert target == {
        "apiVersion": deployment["apiVersion"],
        "kind": deployment["kind"],
        "name": deployment["metadata"]["name"],
    }


def test_image_has_the_version_of_the_server() -> None:
    assert KUSTOMIZATION["images"] == [{"name": CONTAINER["image"], "newTag": VERSION}]
    assert COMPOSE["image"] == f"{CONTAINER['image']}:{VERSION}"


def test_ports_are_those_of_the_image_and_the_settings() -> None:
    ports = {port["name"]: port["containerPort"] for port in CONTAINER["ports"]}
    final = stages()[-1]
    assert ports["http"] == int(only(final, "EXPOSE")) == int(environment(final)["PORT"])
    assert ports["metrics"] == int(SETTINGS["METRICS_PORT"]) != ports["http"]
    assert manifest("pod-monitor.yaml")["spec"]["podMetricsEndpoints"][0]["port"] == "metrics"
    (published,) = manifest("service.yaml")["spec"]["ports"]
    assert published["targetPort"] == "http"


def test_container_can_do_no_more_than_that_of_the_stack() -> None:
    context, pod = CONTAINER["securityContext"], POD["securityContext"]
    assert context == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": COMPOSE["cap_drop"]},
        "readOnlyRootFilesystem": COMPOSE["read_only"],
    }
    assert f"{pod['runAsUser']}:{pod['runAsGroup']}" == COMPOSE["user"] == only(stages()[-1], "USER")
    assert pod["fsGroup"] == pod["runAsGroup"]
    assert pod["runAsNonRoot"] is True
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert POD["automountServiceAccountToken"] is False
    assert POD["enableServiceLinks"] is False
    assert not POD.keys() & {"hostNetwork", "hostPID", "hostIPC"}


def test_memory_is_that_of_the_stack() -> None:
    assert bytes_of(CONTAINER["resources"]["limits"]["memory"]) == bytes_of(COMPOSE["mem_limit"])
    (scratch,) = COMPOSE["tmpfs"]
    (tmp,) = [volume["emptyDir"] for volume in POD["volumes"] if "emptyDir" in volume]
    assert tmp["medium"] == "Memory"
    assert bytes_of(tmp["sizeLimit"]) == bytes_of(scratch.removeprefix("/tmp:size="))


def test_folders_are_those_of_the_image() -> None:
    volumes = {volume["name"] for volume in POD["volumes"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in CONTAINER["volumeMounts"]}
    assert mounts.keys() == volumes
    assert mounts["state"] == environment(stages()[-1])["STATE_DIR"]
    (state,) = [volume for volume in POD["volumes"] if volume["name"] == "state"]
    assert state["persistentVolumeClaim"]["claimName"] == manifest("storage.yaml")["metadata"]["name"]
    assert manifest("storage.yaml")["spec"]["accessModes"] == ["ReadWriteMany"], "instances share it"


def test_settings_are_accepted_with_the_secrets_as_files(tmp_path: Path) -> None:
    (source,) = CONTAINER["envFrom"]
    (generated,) = KUSTOMIZATION["configMapGenerator"]
    assert generated == {"name": source["configMapRef"]["name"], "envs": ["settings.env"]}
    specs = {spec.name: spec for spec in specs_of(Settings).values()}
    assert SETTINGS.keys() <= specs.keys()
    assert not any(specs[name].secret for name in SETTINGS)
    (folder,) = [mount["mountPath"] for mount in CONTAINER["volumeMounts"] if mount["name"] == "secrets"]
    given, left = dict(SETTINGS), dict(SECRETS)
    for variable in CONTAINER["env"]:
        assert specs[variable["name"].removesuffix("_FILE")].secret
        key = variable["value"].removeprefix(f"{folder}/")
        (tmp_path / key).write_text(left.pop(key))
        given[variable["name"]] = str(tmp_path / key)
    assert left == {}, "a secret that nothing reads"
    settings = Settings.from_env(given)
    assert settings.redis_url, "instances share a ledger"
    (volume,) = [volume["secret"] for volume in POD["volumes"] if "secret" in volume]
    assert volume["secretName"] == manifest("secret.example.yaml")["metadata"]["name"]
    assert volume["defaultMode"] == 0o440


def test_instance_has_time_to_leave() -> None:
    program, told = CONTAINER["lifecycle"]["preStop"]["exec"]["command"]
    assert program == "sleep"
    drain = Settings.from_env(dict(SETTINGS)).drain_timeout
    assert POD["terminationGracePeriodSeconds"] >= float(told) + drain + 10


def test_upgrade_takes_no_instance_away_before_another_one_is_ready() -> None:
    assert SPEC["replicas"] >= 2
    assert SPEC["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert manifest("pod-disruption-budget.yaml")["spec"]["maxUnavailable"] == 1


async def test_probes_ask_what_the_service_answers() -> None:
    probes = {name: CONTAINER[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert {probe["port"] for probe in probes.values()} == {"http"}
    assert probes["startup"] == probes["liveness"] != probes["readiness"]
    async with deployed() as service:
        for probe in probes.values():
            assert (await service.ask("GET", probe["path"], key="")).status == 200
    (check,) = [word for word in COMPOSE["healthcheck"]["test"] if "urlopen" in word]
    assert probes["liveness"]["path"] in check


def test_autoscaler_counts_answers_in_flight() -> None:
    spec = manifest("horizontal-pod-autoscaler.example.yaml")["spec"]
    (metric,) = spec["metrics"]
    name = metric["pods"]["metric"]["name"]
    assert name in MONITORING
    assert name in (FOLDER / "horizontal-pod-autoscaler.example.yaml").read_text().partition("apiVersion")[0]
    most = Settings.from_env(dict(SETTINGS)).max_concurrent
    assert 0 < int(metric["pods"]["target"]["averageValue"]) < most
    assert spec["minReplicas"] == SPEC["replicas"]
