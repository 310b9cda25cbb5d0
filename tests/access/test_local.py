"""Who counts as a program on this machine: one table."""

import pytest
from tornado.httputil import HTTPHeaders

from access.local import is_local

PLAIN = {"Host": "127.0.0.1:33333", "User-Agent": "curl/8"}


def local(peer: str = "127.0.0.1", version: str = "HTTP/1.1", **headers: str) -> bool:
    given = PLAIN | {name.replace("_", "-"): value for name, value in headers.items()}
    return is_local(peer, version, HTTPHeaders({name: value for name, value in given.items() if value}))


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1"])
@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:33333", "[::1]", "[::1]:80"]
)
def test_plain_request_on_loopback_is_local(peer: str, host: str) -> None:
    assert local(peer, Host=host)


@pytest.mark.parametrize(
    "peer", ["", "0.0.0.0", "192.0.2.1", "10.0.0.1", "172.18.0.1", "::", "fe80::1", "unix"]
)
def test_peer_elsewhere_is_not_local(peer: str) -> None:
    assert not local(peer)


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/0.9", "HTTP/2.0", ""])
def test_old_version_of_http_is_that_of_a_proxy(version: str) -> None:
    assert not local(version=version)


@pytest.mark.parametrize(
    "name",
    [
        "Via", "Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port",
        "X-Forwarded-Server", "X-Forwarded-Prefix", "X-Forwarded", "X-Real-IP", "X-Client-IP", "Client-IP",
        "True-Client-IP", "X-Cluster-Client-IP", "X-Remote-Addr", "X-Original-Forwarded-For",
        "X-Original-URI", "X-Original-Host", "X-Rewrite-URL", "X-Host", "X-Scheme", "X-ProxyUser-IP",
        "Proxy-Connection", "Proxy-Authorization", "Max-Forwards", "Front-End-Https",
        "CF-Connecting-IP", "CF-Ray", "CF-IPCountry", "CF-Visitor", "CDN-Loop",
        "Fastly-Client-IP", "Fly-Client-IP", "Fly-Forwarded-Port", "X-Envoy-External-Address",
        "X-Amzn-Trace-Id", "X-Amz-Cf-Id", "X-Azure-ClientIP", "X-ARR-SSL", "X-Appengine-User-IP",
        "X-Vercel-Forwarded-For", "X-NF-Client-Connection-IP", "Akamai-Origin-Hop", "X-Varnish",
        "Tailscale-User-Login", "Ali-CDN-Real-IP", "EO-Connecting-IP", "Incap-Client-IP",
        "WL-Proxy-Client-IP", "SSL-Client-Verify", "X-Auth-Request-User", "X-Request-Start",
        "Ngrok-Trace-Id", "DO-Connecting-IP", "X-Tailscale-User", "X-BlueCoat-Via", "X-Cloud-Trace-Context",
        "Traceparent", "Tracestate", "X-B3-TraceId", "B3", "A-Header-Of-A-Proxy-To-Come",
    ],
)  # fmt: skip
def test_header_of_a_proxy_is_a_proxy_whatever_it_says(name: str) -> None:
    for spelled in (name, name.lower(), name.upper()):
        assert not local(**{spelled: "127.0.0.1"})


@pytest.mark.parametrize(
    "host",
    [
        "", "rebound.example", "rebound.example:33333", "localhost.example", "127.0.0.1.example", "192.0.2.1",
        "127.0.0.1@evil.example", "localhost:80:80", "[::1", "::1]x",
        "localhost:99999999", "localhost:65536", "localhost:x", "[localhost]",
        "::1", "127.0.0.1:-1", "[::1]:99999", "[::1]1", "[::2]", "0.0.0.0", "2130706433",
    ],
)  # fmt: skip
def test_host_that_names_no_loopback_is_not_local(host: str) -> None:
    assert not local(Host=host)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_page_of_another_site_is_not_local(site: str) -> None:
    assert not local(Sec_Fetch_Site=site)


@pytest.mark.parametrize("origin", ["null", "https://page.example", "http://127.0.0.1:1", "http://[", "x"])
def test_origin_of_another_page_is_not_local(origin: str) -> None:
    assert not local(Origin=origin)


@pytest.mark.parametrize(
    "name", ["Accept", "Accept-Language", "Cache-Control", "Cookie", "DNT", "Referer", "Sec-CH-UA", "Pragma"]
)
def test_header_of_a_browser_is_no_proxy(name: str) -> None:
    assert local(**{name: "x"})


def test_page_of_the_service_itself_is_local() -> None:
    assert local(Origin="http://127.0.0.1:33333", Sec_Fetch_Site="same-origin")
    assert local(Sec_Fetch_Site="none")
