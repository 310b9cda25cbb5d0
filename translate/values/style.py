"""How an answer looks: the styles that models, aliases and GPTs can ask for, and the forms of citations."""

from enum import StrEnum


class Style(StrEnum):
    """How an answer looks."""

    WEB = "web"
    """Markdown with everything: code and its output, pictures, links, citations, errors of tools."""
    PLAIN = "plain"
    """For bots that render no markdown: prose, and pictures as bare addresses."""
    TEXT = "text"
    """The prose alone."""


class CitationForm(StrEnum):
    """How a cited page stands in an answer of the style `web`."""

    HOST = "host"
    """`([example.org](https://example.org/page))`"""
    NUMBER = "number"
    """`[[1](https://example.org/page)]`, numbered through; the same page has the same number."""
    NONE = "none"
    """Not at all: only annotations name it."""


STYLES = tuple(style.value for style in Style)
"""The names of all styles."""
CITATION_FORMS = tuple(form.value for form in CitationForm)
"""The names of all forms of citations."""
