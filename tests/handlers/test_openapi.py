"""The OpenAPI document describes the routes that there are, and answers as the official schemas have them."""

import json
import re
from pathlib import Path
from typing import Any

import anthropic.types
import openai.types
import openai.types.conversations
import openai.types.responses
import pydantic
import pytest
import tornado.web
from jsonschema import Draft202012Validator

from handlers import make_app
from handlers.base import UnknownPath
from handlers.openapi.document import Offered
from handlers.openapi.document import document as written
from server import VERSION
from settings import Settings
from tests.translate.schemas import SCHEMAS
from translate.openai.request import FIELDS as CHAT_FIELDS
from translate.openai.responses.request import FIELDS as RESPONSES_FIELDS
from wiring import build

Json = dict[str, Any]
ALL = {"AUDIO": "true", "ALLOW_ANY_GPT": "true"}


async def app_of(folder: Path, **env: str) -> tornado.web.Application:
    given = {"BASE_URL": "http://127.0.0.1:1", "STATE_DIR": str(folder), **env}
    return make_app(build(Settings.from_env(given), VERSION).app)


def rules_of(app: tornado.web.Application) -> list[Any]:
    return list(app.wildcard_router.rules)


def document_of(app: tornado.web.Application) -> Json:
    (found,) = [rule.target_kwargs["document"] for rule in rules_of(app) if "document" in rule.target_kwargs]
    document: Json = json.loads(found)
    return document


def rule_for(app: tornado.web.Application, path: str) -> Any:
    """The rule that takes a path of the document."""
    path = path.replace("{file}", "main.js")
    path = re.sub(r"\{\w+\}", "some-1", path)
    return next(rule for rule in rules_of(app) if rule.matcher.regex.match(path))


@pytest.mark.parametrize(
    "env",
    [
        ALL,
        {},
        {"FILES_MAX_TOTAL_BYTES": "0"},
        {"RESPONSES_DAYS": "0"},
        {"METRICS_PORT": "9000"},
        {**ALL, "API_PREFIX": "secret-prefix"},
    ],
    ids=["all", "default", "without files", "nothing kept", "metrics apart", "prefix"],
)
async def test_every_method_of_every_route_is_described_and_nothing_else(
    tmp_path: Path, env: dict[str, str]
) -> None:
    app = await app_of(tmp_path, **env)
    there = {
        (rule.matcher.regex.pattern, method)
        for rule in rules_of(app)
        if not issubclass(rule.target, UnknownPath)
        for method in rule.target.methods
        if method != "OPTIONS"
    }
    described = {
        (rule_for(app, path).matcher.regex.pattern, method.upper())
        for path, item in document_of(app)["paths"].items()
        for method in item
    }
    assert described == there


async def test_document_and_api_are_under_the_prefix_and_pages_are_not(tmp_path: Path) -> None:
    paths = document_of(await app_of(tmp_path, API_PREFIX="secret-prefix"))["paths"]
    plain = {path for path in paths if not path.startswith("/secret-prefix/")}
    assert plain == {
        "/", "/healthz", "/readyz", "/metrics", "/images/{name}", "/files/{name}",
        "/console/{file}", "/console/state", "/console/events",
        "/admin/accounts", "/admin/accounts/{alias}/enable",
        "/admin/accounts/{alias}/disable", "/admin/reload",
    }  # fmt: skip
    assert "/secret-prefix/openapi.json" in paths


async def test_metrics_ask_for_a_token_where_one_is_set(tmp_path: Path) -> None:
    cases: list[tuple[dict[str, str], list[Json]]] = [
        ({}, []),
        ({"METRICS_TOKEN": "some-token-of-a-scraper"}, [{"bearer": []}]),
    ]
    for env, security in cases:
        document = document_of(await app_of(tmp_path, **env))
        assert document["paths"]["/metrics"]["get"]["security"] == security
        assert "some-token" not in json.dumps(document)


@pytest.fixture(scope="module")
def document() -> Json:
    """That of a service with all that can be switched on."""
    offered = Offered(
        version="1",
        api_prefix="",
        audio=True,
        conversations=True,
        files=True,
        gpts=True,
        metrics=True,
        metrics_token=True,
    )
    whole: Json = json.loads(written(offered))
    return whole


def resolved(value: Json, whole: Json) -> Json:
    while "$ref" in value:
        found: Any = whole
        for name in value["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        value = found
    return value


def operations(document: Json) -> dict[str, Json]:
    return {
        operation["operationId"]: operation
        for item in document["paths"].values()
        for operation in item.values()
    }


def everything(value: Any) -> list[Any]:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *(each for part in inside for each in everything(part))]


def test_references_lead_somewhere_and_all_components_are_used(document: Json) -> None:
    named = {value["$ref"] for value in everything(document) if isinstance(value, dict) and "$ref" in value}
    for name in named:
        assert resolved({"$ref": name}, document)
    used = {name.rpartition("/")[2] for name in named} | {"ChatCompletionChunk"}  # of streams, by name
    components = document["components"]
    assert {name for kind in ("schemas", "responses", "headers") for name in components[kind]} <= used | {
        "Allow"
    }


def test_operations_are_told_apart(document: Json) -> None:
    count = sum(len(item) for item in document["paths"].values())
    assert len(operations(document)) == count
    tags = {tag["name"] for tag in document["tags"]}
    assert {tag for each in operations(document).values() for tag in each["tags"]} == tags


def test_schemas_are_schemas(document: Json) -> None:
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for value in everything(document["paths"]):
        if isinstance(value, dict) and isinstance(value.get("schema"), dict):
            Draft202012Validator.check_schema(value["schema"])


def test_parameters_of_paths_are_described(document: Json) -> None:
    for path, item in document["paths"].items():
        for operation in item.values():
            named = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"]
            assert named == re.findall(r"\{(\w+)\}", path)


@pytest.mark.parametrize(
    ("name", "fields"), [("ChatRequest", CHAT_FIELDS), ("ResponseRequest", RESPONSES_FIELDS)]
)
def test_fields_that_are_checked_are_described(document: Json, name: str, fields: Json) -> None:
    properties = document["components"]["schemas"][name]["properties"]
    assert set(fields) - set(properties) == ({"audio"} if name == "ChatRequest" else set())


def alternatives(schema: Json, whole: Json) -> list[Json]:
    """What a schema takes, one type at a time."""
    schema = resolved(schema, whole)
    if "anyOf" in schema or "oneOf" in schema:
        ways = schema.get("anyOf") or schema["oneOf"]
        return [each for way in ways for each in alternatives(way, whole)]
    if isinstance(kinds := schema.get("type"), list):
        return [{**schema, "type": kind} for kind in kinds]
    return [schema]


def values_of(schema: Json) -> set[Any] | None:
    if "const" in schema:
        return {schema["const"]}
    return set(schema["enum"]) if "enum" in schema else None


def misfits(ours: Json, our: Json, theirs: Json, their: Json, at: str) -> list[str]:
    """Where `ours`, of the document `our`, takes more than `theirs`."""
    found: list[str] = []
    for way in alternatives(ours, our):
        tried = [_misfits(way, our, each, their, at) for each in alternatives(theirs, their)]
        if all(tried):
            fewest: list[str] = min(tried, key=len)
            found += fewest
    return found


def _misfits(ours: Json, our: Json, theirs: Json, their: Json, at: str) -> list[str]:
    kind, wanted = ours.get("type"), theirs.get("type")
    if wanted and kind != wanted and (kind, wanted) != ("integer", "number") and "const" not in ours:
        return [f"{at}: {kind} is no {wanted}"]
    allowed, own = values_of(theirs), values_of(ours)
    if allowed is not None and (own is None or not own <= allowed):
        return [f"{at}: {own} are not all in {allowed}"]
    found = [
        f"{at}.{name} is not there always"
        for name in theirs.get("required", ())
        if name not in ours.get("required", ())
    ]
    for name, schema in theirs.get("properties", {}).items():
        if name in ours.get("properties", {}):
            found += misfits(ours["properties"][name], our, schema, their, f"{at}.{name}")
    if "items" in theirs:
        found += misfits(ours.get("items", {}), our, theirs["items"], their, f"{at}[]")
    return found


@pytest.mark.parametrize(
    ("ours", "official"),
    [
        ("ChatCompletion", "CreateChatCompletionResponse"),
        ("ChatCompletionChunk", "CreateChatCompletionStreamResponse"),
        ("CompletionUsage", "CompletionUsage"),
        ("Images", "ImagesResponse"),
        ("ModelList", "ListModelsResponse"),
        ("Model", "Model"),
        ("Error", "ErrorResponse"),
    ],
)
def test_answers_are_described_within_the_official_schemas(document: Json, ours: str, official: str) -> None:
    own = {"$ref": f"#/components/schemas/{ours}"}
    theirs = {"$ref": f"#/components/schemas/{official}"}
    assert misfits(own, document, theirs, SCHEMAS, ours) == []


def test_comparison_with_the_official_schemas_finds_what_is_wider(document: Json) -> None:
    own = {"type": "object", "properties": {"object": {"type": "string"}}, "required": ["object"]}
    found = misfits(own, {}, {"$ref": "#/components/schemas/ListModelsResponse"}, SCHEMAS, "it")
    assert found == ["it.data is not there always", "it.object: None are not all in {'list'}"]


@pytest.mark.parametrize(
    ("ours", "official"),
    [
        ("Response", openai.types.responses.Response),
        ("Conversation", openai.types.conversations.Conversation),
        ("ConversationItems", openai.types.conversations.ConversationItemList),
        ("File", openai.types.FileObject),
        ("Message", anthropic.types.Message),
        ("AnthropicModel", anthropic.types.ModelInfo),
    ],
)
def test_answers_have_what_the_sdk_needs(
    document: Json, ours: str, official: type[pydantic.BaseModel]
) -> None:
    needed = {field.alias or name for name, field in official.model_fields.items() if field.is_required()}
    assert needed <= set(document["components"]["schemas"][ours]["required"])
