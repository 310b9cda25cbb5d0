"""What a message refers to is read, whichever way it was sent."""

import base64

import pytest

from media.errors import Malformed, TooBig, UrlRefused, WrongType
from media.fetch import Fetcher
from media.names import new_name, public_path
from media.reader import Content, MediaReader
from media.sniff import Picture
from media.store import MediaStore
from tests.media.pictures import png
from tests.plenty import held
from tests.scripted_server import ScriptedServer, send, status

PNG = png(30, 20)
DATA_URL = "data:image/jpeg;base64," + base64.b64encode(PNG).decode()


def reader(fetcher: Fetcher | None = None) -> MediaReader:
    return MediaReader(fetcher, max_bytes=10_000, max_pixels=1000)


@pytest.mark.parametrize("reference", [DATA_URL, "\n " + DATA_URL, base64.b64encode(PNG).decode()])
async def test_picture_in_the_message_is_read_with_its_true_type_and_size(reference: str) -> None:
    assert await reader().picture(reference, held()) == Content(
        PNG, "image/png", Picture("image/png", 30, 20)
    )


async def test_picture_on_the_web_is_fetched() -> None:
    async with ScriptedServer([status(200, {"Content-Length": str(len(PNG))}), send(PNG)]) as server:
        fetcher = Fetcher(max_bytes=10_000, is_allowed=lambda _: True, ports=frozenset({server.port}))
        content = await reader(fetcher).picture(server.url.replace("http", "HTTP"), held())
        assert (content.data, content.media_type) == (PNG, "image/png")


async def test_file_of_the_store_is_read_from_there_whatever_the_host_of_its_address(
    store: MediaStore,
) -> None:
    name = await store.save(PNG, "cat.png")
    reading = MediaReader(None, max_bytes=10_000, max_pixels=1000, store=store)
    for base in ("http://127.0.0.1:33333", "https://chat.example/below"):
        kept = held()
        assert (await reading.picture(base + public_path(name), kept)).data == PNG
        assert kept.size == len(PNG)


async def test_file_that_the_store_has_no_more_is_looked_for_on_the_web(store: MediaStore) -> None:
    reading = MediaReader(None, max_bytes=10_000, max_pixels=1000, store=store)
    with pytest.raises(UrlRefused):
        await reading.picture("https://a.example" + public_path(new_name("", "image/png")), held())


async def test_file_of_the_store_that_is_too_large_is_refused(store: MediaStore) -> None:
    name = await store.save(PNG)
    with pytest.raises(TooBig):
        await MediaReader(None, max_bytes=len(PNG) - 1, max_pixels=1000, store=store).picture(
            "https://a.example" + public_path(name), held()
        )


async def test_addresses_are_refused_where_fetching_is_off() -> None:
    with pytest.raises(UrlRefused, match="data: URL"):
        await reader().picture("https://example.com/a.png", held())


@pytest.mark.parametrize(
    "reference", ["file:///etc/passwd", "ftp://example.com/a", "blob:https://x/1", "C:\\a.png"]
)
async def test_other_schemes_are_refused_as_such(reference: str) -> None:
    with pytest.raises(UrlRefused, match="https"):
        await reader().picture(reference, held())


async def test_picture_must_be_one_and_within_the_limits() -> None:
    with pytest.raises(WrongType):
        await reader().picture("data:image/png;base64," + base64.b64encode(b"<svg >").decode(), held())
    with pytest.raises(TooBig, match="pixels"):
        await reader().picture("data:;base64," + base64.b64encode(png(100, 11)).decode(), held())
    with pytest.raises(TooBig, match="bytes"):
        await reader().picture("data:;base64," + base64.b64encode(PNG + bytes(10_000)).decode(), held())
    with pytest.raises(Malformed):
        await reader().picture("a cat, please", held())


async def test_file_may_be_of_any_type_and_its_bytes_tell_which() -> None:
    content = await reader().file("data:image/png;base64," + base64.b64encode(b"a,b\n").decode(), held())
    assert content == Content(b"a,b\n", "text/plain")
