"""How an answer looks: the styles that models, aliases and GPTs can ask for."""

from enum import StrEnum


class Style(StrEnum):
    """How an answer looks."""

    WEB = "web"
    """Markdown with everything: code and its output, pictures, links, citations, errors of tools."""
    PLAIN = "plain"
    """For bots that render no markdown: prose, and pictures as bare addresses."""
    TEXT = "text"
    """The prose alone."""


STYLES = tuple(style.value for style in Style)
"""The names of all styles."""
