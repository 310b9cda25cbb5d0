"""The secret settings, each with a good value that holds something to hide."""

SECRETS = {
    "PROXY_API_PREFIX": "abcd1234",
    "KEY_FOR_GPTS_INFO": "abcd1234",
    "API_PREFIX": "abcd1234",
    "ADMIN_TOKEN": "abcd1234",
    "UPSTREAM_PROXY": "http://me:abcd1234@127.0.0.1:3128",
    "FETCH_PROXY": "socks5://me:abcd1234@127.0.0.1:1080",
    "METRICS_TOKEN": "abcd1234",
    "REDIS_URL": "redis://:abcd1234@127.0.0.1",
    "KEY_ALIASES": "alice=fk-abcd1234",
    "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20abcd1234",
    "LICENCE_USAGE_URL": "https://licence.example/abcd1234/usage",
}
