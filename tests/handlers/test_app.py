"""The routes: each handler gets what it works with, and nothing else."""

import inspect
from pathlib import Path

import tornado.web

from handlers import ROUTES, make_app
from handlers.base import ApiHandler, UnknownPath
from server import VERSION
from settings import Settings
from wiring import build


async def real_app(folder: Path) -> tornado.web.Application:
    env = {
        "BASE_URL": "http://127.0.0.1:1",
        "STATE_DIR": str(folder),
        "AUDIO": "true",
        "ALLOW_ANY_GPT": "true",
    }
    settings = Settings.from_env(env)
    return make_app(build(settings, VERSION).app)


def targets(app: tornado.web.Application) -> list[tuple[type[ApiHandler], dict[str, object]]]:
    return [(rule.target, rule.target_kwargs) for rule in app.wildcard_router.rules]


async def test_handlers_get_exactly_what_they_take(tmp_path: Path) -> None:
    app = await real_app(tmp_path)
    for handler, parts in targets(app):
        parts = {name: part for name, part in parts.items() if name != "cross_origin"}
        taken = set(inspect.signature(handler.initialize).parameters) - {"self"}
        if handler.initialize is ApiHandler.initialize:
            taken = set()
        assert set(parts) == taken, handler


async def test_route_names_are_those_of_the_metrics(tmp_path: Path) -> None:
    app = await real_app(tmp_path)
    names = {handler.route for handler, _ in targets(app)}
    assert names | {UnknownPath.route} == set(ROUTES)


async def test_everything_else_is_answered_by_one_handler(tmp_path: Path) -> None:
    app = await real_app(tmp_path)
    assert app.settings["default_handler_class"] is UnknownPath
