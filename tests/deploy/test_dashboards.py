"""The dashboards and their provisioning; metrics have the names that the code gives them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from handlers.app import ROUTES
from metrics import AccountState, Metrics, Outcome, names
from tests.deploy.compose import DEPLOY, load
from tests.deploy.rules import DASHBOARDS, annotations, dashboard_queries, metric_names, rules

PROVISIONING = DEPLOY / "grafana" / "provisioning"
BOARDS = [pytest.param(json.loads(path.read_text()), id=path.stem) for path in DASHBOARDS]
EXPRESSIONS = [query.expression for query in dashboard_queries()] + [rule["expr"] for rule in rules()]
FAMILIES = {
    f"{family.name}_total" if family.type == "counter" else family.name: family
    for family in Metrics(ROUTES, ["gpt-4-s"]).registry.collect()
}
OWN = {name for name in FAMILIES if name.startswith("pandora_")}
RECORDED = r"\bjob\w*:\w+:\w+"
VALUES = {
    "outcome": {*Outcome, *names.Attempt, *names.IMAGES, *names.ToolCalls},
    "reason": {*names.REJECTIONS, *names.RETRIES, *names.FINISH_REASONS},
    "state": {*AccountState},
    "route": {*ROUTES},
}


def test_every_metric_in_dashboards_and_rules_exists() -> None:
    used = {name for expression in EXPRESSIONS for name in metric_names(expression)}
    assert used - FAMILIES.keys() == set()


def test_every_metric_of_the_service_is_on_a_dashboard() -> None:
    shown = {name for query in dashboard_queries() for name in metric_names(query.expression)}
    assert OWN - shown == set()


def test_labels_are_compared_with_values_that_exist() -> None:
    for expression in EXPRESSIONS:
        for label, wanted in re.findall(r'\b(outcome|reason|route|state)=~?"([^"]*)"', expression):
            assert set(wanted.split("|")) <= VALUES[label], expression


def test_every_rule_that_is_used_is_recorded() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    used = {name for expression in EXPRESSIONS for name in re.findall(RECORDED, expression)}
    assert used <= recorded


def test_identities_of_dashboards_are_fixed_and_their_links_lead_to_each_other() -> None:
    boards = [json.loads(path.read_text()) for path in DASHBOARDS]
    identities = [board["uid"] for board in boards]
    assert sorted(identities) == ["pandora-internals", "pandora-overview"]
    for board in boards:
        assert "id" not in board
        assert [link["url"].rpartition("/")[2] for link in board["links"]] == [
            other for other in identities if other != board["uid"]
        ]


@pytest.mark.parametrize("board", BOARDS)
def test_everything_is_asked_from_the_data_source_that_is_chosen(board: dict[str, Any]) -> None:
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    (source,) = yaml.safe_load((PROVISIONING / "datasources" / "prometheus.yaml").read_text())["datasources"]
    assert variables["datasource"]["current"]["value"] == source["uid"]
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    for panel in board["panels"]:
        if panel["type"] != "row":
            assert panel["datasource"] == chosen
            assert all(target["datasource"] == chosen for target in panel["targets"])
    assert all(
        variable["datasource"] == chosen for name, variable in variables.items() if name != "datasource"
    )


@pytest.mark.parametrize("board", BOARDS)
def test_rates_fit_the_scrape_interval_and_obey_the_chosen_job(board: dict[str, Any]) -> None:
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            assert 'job=~"$job"' in target["expr"]
            for window in re.findall(r"\[([^\]]+)\]", target["expr"]):
                assert window in ("$__rate_interval", "1h", "24h")


@pytest.mark.parametrize("board", BOARDS)
def test_everything_obeys_the_chosen_instance(board: dict[str, Any]) -> None:
    # What rules have recorded for all instances, and alerts about all of them, have none to choose by.
    expressions = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    expressions += [note["expr"] for note in annotations(board)]
    for expression in expressions:
        for labels in re.findall(r"\{([^}]*)\}", re.sub(rf"{RECORDED}\{{[^}}]*\}}", "", expression)):
            assert 'instance=~"$instance' in labels, expression
    names = [variable["name"] for variable in board["templating"]["list"]]
    assert names.index("job") < names.index("instance")


@pytest.mark.parametrize("board", BOARDS)
def test_every_panel_says_what_it_shows(board: dict[str, Any]) -> None:
    for panel in board["panels"]:
        assert panel["type"] == "row" or panel["description"], panel["title"]


@pytest.mark.parametrize("board", BOARDS)
def test_heatmaps_get_the_buckets_of_one_histogram(board: dict[str, Any]) -> None:
    for panel in board["panels"]:
        if panel["type"] == "heatmap":
            (target,) = panel["targets"]
            assert target["format"] == "heatmap"
            assert target["expr"].startswith("sum by (le) (increase(pandora_")


@pytest.mark.parametrize("board", BOARDS)
def test_starts_and_new_versions_are_marked(board: dict[str, Any]) -> None:
    assert {note["name"] for note in annotations(board)} == {"Restarts", "Deploys"}
    assert all(note["enable"] for note in annotations(board))


@pytest.mark.parametrize("board", BOARDS)
def test_panels_have_their_own_place_and_number(board: dict[str, Any]) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert (x, y) not in taken, f"{panel['title']} lies on {taken.get((x, y))}"
                taken[x, y] = panel["title"]
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(numbers) == len(set(numbers))


def test_grafana_finds_what_is_provisioned() -> None:
    grafana = load("compose.yaml")["services"]["grafana"]
    mounts = dict(volume.split(":")[:2] for volume in grafana["volumes"])
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards" / "pandora.yaml").read_text())["providers"]
    assert provider["options"]["path"] == mounts["./grafana/dashboards"]
    assert provider["allowUiUpdates"] is False
    assert mounts["./grafana/provisioning"] == "/etc/grafana/provisioning"
    home = Path(grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert str(home.parent) == provider["options"]["path"]
    assert home.name in {path.name for path in DASHBOARDS}


def test_prometheus_and_grafana_find_each_other_and_the_service() -> None:
    (source,) = yaml.safe_load((PROVISIONING / "datasources" / "prometheus.yaml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    (one,) = read_by_prometheus("compose.yaml")["scrape_configs"]
    (several,) = read_by_prometheus("compose.scale.yaml")["scrape_configs"]
    assert one["job_name"] == several["job_name"] == "pandora"
    ((name, port),) = (target.split(":") for target in one["static_configs"][0]["targets"])
    assert several["dns_sd_configs"][0]["names"] == [name]
    assert several["dns_sd_configs"][0]["port"] == int(port)
    assert {name, "prometheus"} <= load("compose.yaml")["services"].keys()
    assert {name, "prometheus"} <= load("compose.scale.yaml")["services"].keys()
    assert load("compose.yaml")["services"][name]["ports"][0].endswith(f":{port}")


def read_by_prometheus(compose: str) -> dict[str, Any]:
    """The configuration that Prometheus has in that stack."""
    (option,) = (
        option.partition("=")[2]
        for option in load(compose)["services"]["prometheus"]["command"]
        if option.startswith("--config.file=")
    )
    assert Path(option).parent == Path("/etc/prometheus")
    read: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus" / Path(option).name).read_text())
    return read


@pytest.mark.parametrize("compose", ["compose.yaml", "compose.scale.yaml"])
def test_alerts_go_to_the_alertmanager_of_the_stack_and_to_no_other_of_that_name(compose: str) -> None:
    (alertmanager,) = read_by_prometheus(compose)["alerting"]["alertmanagers"]
    (lookup,) = alertmanager["dns_sd_configs"]
    (name,) = lookup["names"]
    assert name.endswith("."), "others of that name in the domain of the machine are looked up, too"
    (published,) = load(compose)["services"][name.removesuffix(".")]["ports"]
    assert published.endswith(f":{lookup['port']}")


def test_prometheus_is_the_same_for_one_instance_and_for_several_but_for_these() -> None:
    one, several = read_by_prometheus("compose.yaml"), read_by_prometheus("compose.scale.yaml")
    assert one | {"scrape_configs": None} == several | {"scrape_configs": None}


def test_pictures_are_drawn_by_the_components_of_the_grafana_that_is_used() -> None:
    # Not each patch of Grafana has one of them.
    release = load("compose.yaml")["services"]["grafana"]["image"].partition(":")[2].rpartition(".")[0]
    package = json.loads((Path(__file__).parent / "grafana" / "package.json").read_text())
    for part in ("data", "schema", "ui"):
        assert package["dependencies"][f"@grafana/{part}"].rpartition(".")[0] == release


def test_packages_that_draw_pictures_are_locked_and_name_no_registry() -> None:
    text = (Path(__file__).parent / "grafana" / "package-lock.json").read_text()
    packages = [package for path, package in json.loads(text)["packages"].items() if path]
    assert all("integrity" in package and "resolved" not in package for package in packages)
