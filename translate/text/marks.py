"""Marks of private-use characters in the assistant's words: how they are read, and what each kind shows.

A mark is `U+E200 kind U+E202 argument U+E202 argument U+E201`; its arguments are words, references such as
`turn0search3`, or one JSON value (protocol notes, section 20.4). What it stands for comes beside the text; a
mark for which nothing has come is shown by what it holds itself. A new kind of mark is a row in `MARK_KINDS`.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from translate.text.references import Citation, Source, picture_link
from translate.values import JsonObject, text_at

OPENING: Final = "\ue200"
CLOSING: Final = "\ue201"
SEPARATOR: Final = "\ue202"
PRIVATE: Final = re.compile("[\ue200-\ue206]")
"""Characters that no client ever gets."""

WAIT_FOR_LINK: Final = 2000
WAIT_FOR_WIDGET: Final = 500
WAIT_FOR_NAME: Final = 100
"""Characters that are held back behind a mark whose reference has not come: fewer where it adds little."""
MAX_ITEMS: Final = 50
"""Items of one mark that are shown."""

USUAL: Final = re.compile("\ue200([A-Za-z_]+)\ue202(\\w+(?:\ue202\\w+)*)\ue201")
"""A mark whose arguments are single words, such as references."""
REFERENCE: Final = re.compile(r"turn\d{1,4}[a-z]{1,12}\d{1,4}")
EMPTY_LINK: Final = re.compile(r"\[([^\[\]]*)\]\([ \t]*\)")
DECODER: Final = json.JSONDecoder(strict=False)


@dataclass(frozen=True, slots=True)
class Link:
    """A link to a source; without a `label` it is a citation."""

    source: Source
    label: str = ""


Shown = Sequence[str | Link]
"""What stands in the place of a mark."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark that was read: its kind, its arguments, and the JSON value if they are one, else None."""

    kind: str
    arguments: tuple[str, ...] = ()
    value: object = None

    @property
    def label(self) -> str:
        """The first argument, where that is words."""
        first = self.arguments[0] if self.arguments else ""
        return "" if REFERENCE.fullmatch(first) else first

    @property
    def references(self) -> list[str]:
        """The results that it names."""
        found = [name for argument in self.arguments for name in REFERENCE.findall(argument)]
        return found[:MAX_ITEMS]

    @property
    def address(self) -> str:
        """The address that it holds itself, if any."""
        for argument in self.arguments[1:]:
            if argument.startswith(("http://", "https://")):
                return argument.strip()
        return ""


@dataclass(frozen=True, slots=True)
class MarkKind:
    """One row. `without` gives the words of a mark for which nothing has come, and where no links are shown;
    `linked` shows it with the sources of its reference, which are never none.

    `types` are the references that look like it, `wait` is how long its reference is waited for, in
    characters. With `json` its argument may be JSON without a separator before it; with `labelled` its first
    argument is words, which stay if the mark is never closed.
    """

    name: str
    without: Callable[[Mark], str]
    linked: Callable[[Mark, Sequence[Source]], Shown]
    types: tuple[str, ...] = ()
    wait: int = WAIT_FOR_LINK
    json: bool = False
    labelled: bool = False

    @property
    def cites(self) -> bool:
        """It shows nothing but citations."""
        return self.linked is _as_citations


def read_mark(text: str) -> Mark:
    """The mark that is `text`, from its opening on; the closing character may be missing."""
    if (usual := USUAL.fullmatch(text)) is not None:
        return Mark(usual[1], tuple(usual[2].split(SEPARATOR)))
    body = text.strip(OPENING + CLOSING)
    kind = re.match(r"[A-Za-z_]*", body)
    name = kind[0] if kind else ""
    body = body[len(name) :].removeprefix(SEPARATOR)
    if body.lstrip()[:1] in ("[", "{") and (found := json_prefix(body.lstrip())) is not None:
        return Mark(name, (), found[0])
    arguments = (PRIVATE.sub("", argument).strip() for argument in re.split("[\ue202\ue203]", body))
    return Mark(name, tuple(filter(None, arguments)))


def json_prefix(text: str) -> tuple[object, int] | None:
    """The JSON value that `text` begins with, and where it ends; None if it is not whole."""
    try:
        value, end = DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return value, end


def kind_named(name: str) -> MarkKind | None:
    """The row of this name."""
    return BY_NAME.get(name)


def kind_of(mark: Mark, citation: Citation | None = None) -> MarkKind:
    """The row of a mark; an unknown kind looks as the type of its reference."""
    unknown = UNKNOWN if citation is None else BY_TYPE.get(citation.kind, UNKNOWN)
    return BY_NAME.get(mark.kind, unknown)


def shown_for(mark: Mark, citation: Citation | None, results: Sequence[Source]) -> Shown:
    """What a mark shows: the ready markdown of its reference, else its sources by its kind, else the
    `results` of a search that it names, else its own words.
    """
    kind = kind_of(mark, citation)
    if citation is not None:
        if citation.kind == "hidden":
            return ()
        if citation.markdown:
            return (ready(citation.markdown),)
        if citation.cited:
            return kind.linked(mark, citation.cited[:MAX_ITEMS])
    if mark.address:
        return kind.linked(mark, (Source(mark.label, mark.address),))
    return kind.linked(mark, results) if results else (kind.without(mark),)


def ready(markdown: str) -> str:
    """Ready markdown, in which a link without an address is its words."""
    return EMPTY_LINK.sub(r"\1", markdown)


def _nothing(mark: Mark) -> str:
    return ""


def _label(mark: Mark) -> str:
    return mark.label


def _name(mark: Mark) -> str:
    """The second element of an array, or the `name` of an object."""
    if isinstance(mark.value, list):
        return next((name for name in mark.value[1:2] if isinstance(name, str)), "")
    return text_at(mark.value, "name") if isinstance(mark.value, dict) else ""


def _formula(mark: Mark) -> str:
    """Of all widgets only a formula has words that can be shown."""
    widgets: JsonObject = mark.value if isinstance(mark.value, dict) else {}
    for name, widget in widgets.items():
        if name.startswith("math_block_widget") and isinstance(widget, dict):
            content = text_at(widget, "content")
            return f"\\({content}\\)" if content else ""
    return ""


def _selections(mark: Mark) -> list[tuple[str, str]]:
    """Names and tags of products, in order."""
    value: JsonObject = mark.value if isinstance(mark.value, dict) else {}
    selections, tags = value.get("selections"), value.get("tags")
    found = []
    for at, selection in enumerate(selections[:MAX_ITEMS] if isinstance(selections, list) else ()):
        if isinstance(selection, list) and len(selection) > 1 and isinstance(selection[1], str):
            tag = tags[at] if isinstance(tags, list) and at < len(tags) else ""
            found.append((selection[1], f" ({tag})" if isinstance(tag, str) and tag else ""))
    return found


def _products(mark: Mark) -> str:
    return "\n".join(f"- {name}{tag}" for name, tag in _selections(mark))


def _as_citations(mark: Mark, sources: Sequence[Source]) -> Shown:
    return [Link(source) for source in sources]


def _as_label(mark: Mark, sources: Sequence[Source]) -> Shown:
    source = sources[0]
    return (Link(source, mark.label or source.title or source.url),)


def _as_name(mark: Mark, sources: Sequence[Source]) -> Shown:
    return (sources[0].title or _name(mark),)


def _as_product(mark: Mark, sources: Sequence[Source]) -> Shown:
    name = sources[0].title or _name(mark)
    return (Link(sources[0], name) if sources[0].url else name,)


def _as_products(mark: Mark, sources: Sequence[Source]) -> Shown:
    known = {source.title: source for source in sources}
    shown: list[str | Link] = []
    for name, tag in _selections(mark) or [(source.title, "") for source in sources]:
        source = known.get(name)
        shown += ("\n- " if shown else "- ", Link(source, name) if source and source.url else name, tag)
    return shown


def _as_list(mark: Mark, sources: Sequence[Source]) -> Shown:
    shown: list[str | Link] = [f"**{mark.label}**"] if mark.label else []
    for source in sources:
        label = source.title or source.url
        shown += ("\n- " if shown else "- ", Link(source, label) if source.url else label)
    return shown


def _as_pictures(mark: Mark, sources: Sequence[Source]) -> Shown:
    pictures = [picture_link(source.title, source.picture) for source in sources if source.picture]
    return ("\n\n".join(pictures),)


def _as_nothing(mark: Mark, sources: Sequence[Source]) -> Shown:
    return ()


def _opaque(name: str, types: tuple[str, ...] = (), wait: int = WAIT_FOR_WIDGET) -> MarkKind:
    """A kind of which only ready markdown can be shown."""
    return MarkKind(name, _nothing, _as_nothing, types, wait)


PAGES: Final = (
    "grouped_webpages",
    "grouped_webpages_v2",
    "grouped_webpages_model_predicted_fallback",
    "webpage",
    "webpage_extended",
    "news",
)
MARK_KINDS: Final = (
    MarkKind("cite", _nothing, _as_citations, PAGES),
    MarkKind("filecite", _nothing, _as_citations, ("file",)),
    MarkKind("entity", _name, _as_name, ("entity",), WAIT_FOR_NAME, json=True),
    MarkKind("url", _label, _as_label, labelled=True),
    MarkKind("link_title", _label, _as_label, ("link_title",), labelled=True),
    MarkKind("product_entity", _name, _as_product, ("product_entity",), WAIT_FOR_NAME, json=True),
    MarkKind("product", _name, _as_product, (), WAIT_FOR_NAME, json=True),
    MarkKind("products", _products, _as_products, ("products",), WAIT_FOR_WIDGET, json=True),
    MarkKind("navlist", _nothing, _as_list, ("nav_list", "navigation")),
    MarkKind("video", _label, _as_label, ("video",), WAIT_FOR_NAME, labelled=True),
    MarkKind("i", _nothing, _as_pictures, ("image_v2", "image_inline"), WAIT_FOR_WIDGET),
    MarkKind("image_group", _nothing, _as_pictures, ("image_group",), WAIT_FOR_WIDGET, json=True),
    MarkKind("genui", _formula, _as_nothing, ("client_defined_widget",), WAIT_FOR_NAME, json=True),
    *map(_opaque, ("finance", "forecast", "weather", "sports", "schedule", "standing", "time", "map")),
    _opaque("businesses_map", ("businesses_map",)),
    *map(_opaque, ("memcite", "entity_metadata", "attribution", "app_block")),
)
"""All kinds that are known (protocol notes, section 20.4)."""
UNKNOWN: Final = _opaque("")
BY_NAME: Final = {kind.name: kind for kind in MARK_KINDS}
BY_TYPE: Final = {name: kind for kind in MARK_KINDS for name in kind.types}
