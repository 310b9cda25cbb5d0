"""Misspelt settings are noticed, and others' variables are left alone."""

import pytest

from settings import Settings
from settings.environment import variables_of
from settings.spec import specs_of

OTHERS = """
    ALL_PROXY APP_ENV AWS_ACCESS_KEY_ID AWS_DEFAULT_REGION BASH_ENV BROWSER CI COLORTERM COLUMNS
    DATABASE_URL DBUS_SESSION_BUS_ADDRESS DEBIAN_FRONTEND DISPLAY DOCKER_HOST EDITOR ENV GITHUB_ACTIONS
    GITHUB_TOKEN GPG_KEY HISTCONTROL HISTFILE HISTSIZE HOME HOSTNAME HOSTTYPE HTTPS_PROXY HTTP_PROXY
    INVOCATION_ID JOURNAL_STREAM KUBERNETES_PORT KUBERNETES_PORT_443_TCP_ADDR KUBERNETES_SERVICE_HOST
    KUBERNETES_SERVICE_PORT LANG LANGUAGE LC_ALL LD_LIBRARY_PATH LESSOPEN LISTEN_FDS LISTEN_PID LOGNAME
    LS_COLORS MAIL MALLOC_ARENA_MAX MANAGER_PID METRICS_PORT_9090_TCP METRICS_SERVICE_HOST MODEL
    MODEL_NAME NO_PROXY NOTIFY_SOCKET NVM_DIR OLDPWD OPENAI_API_BASE OPENAI_API_KEY OPENAI_BASE_URL
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT OTEL_SERVICE_NAMES OTEL_TRACES_EXPORTER PAGER PANDORA_PORT
    PANDORA_SERVICE_HOST PATH PORTS PS1 PWD PYTHONPATH PYTHONUNBUFFERED PYTHON_VERSION REDIS_HOST
    REDIS_PASSWORD REDIS_PORT REDIS_PORT_6379_TCP REDIS_SERVICE_HOST RUNTIME_DIRECTORY SHELL SHLVL
    SSH_AUTH_SOCK SSH_CONNECTION SSL_CERT_FILE STATE_DIRECTORY STYLES SUDO_USER SYSTEMD_EXEC_PID TERM
    TIKTOKEN_CACHE_DIR TMPDIR TRACE TZ UID USER VIRTUAL_ENV WINDOWID XDG_RUNTIME_DIR XDG_SESSION_TYPE _
    http_proxy https_proxy no_proxy npm_config_cache host port
"""
"""Of shells, desktops, Docker, Kubernetes, systemd, CI, Python and OpenTelemetry."""


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("BASE_ULR", "BASE_URL"),
        ("BASEURL", "BASE_URL"),
        ("base_url", "BASE_URL"),
        ("Base-Url", "BASE_URL"),
        ("REDIS_URI", "REDIS_URL"),
        ("QUOTA_PER_DAYS", "QUOTA_PER_DAY"),
        ("QUOTA_PER_KEY_DAY", "QUOTA_PER_KEY_PER_DAY"),
        ("MODEL_ALIAS", "MODEL_ALIASES"),
        ("CORS_ORIGINS", "CORS_ORIGIN"),
        ("PROXY_API_PREFIXFILE", "PROXY_API_PREFIX_FILE"),
        ("ADMIN_TOKENS", "ADMIN_TOKEN"),
        ("PASS_THROUGH", "PASSTHROUGH"),
    ],
)
def test_misspelt_setting_is_noticed_with_what_was_meant(name: str, meant: str) -> None:
    assert Settings.misspelt({name: "x"}) == {name: meant}


def test_variables_of_others_are_left_alone() -> None:
    assert Settings.misspelt(dict.fromkeys(OTHERS.split(), "x")) == {}


def test_settings_themselves_are_none_nor_are_those_with_an_old_name() -> None:
    names = [variable for spec in specs_of(Settings).values() for variable in variables_of(spec)]
    assert Settings.misspelt(dict.fromkeys(names, "x")) == {}
    for name in names:
        assert Settings.misspelt({name: "x"}) == {}


@pytest.mark.parametrize("env", [{"BASE_ULR": ""}, {"BASE_ULR": " "}, {"BASE_ULR": "x", "BASE_URL": "y"}])
def test_variable_without_a_value_or_beside_the_setting_itself_is_left_alone(env: dict[str, str]) -> None:
    assert Settings.misspelt(env) == {}


def test_names_that_no_person_types_are_left_alone() -> None:
    for name in ("BASE_URL" * 1000, "BASE URLS", "BASE_URL\n", "BÄSE_URL"):
        assert Settings.misspelt({name: "x"}) == {}
