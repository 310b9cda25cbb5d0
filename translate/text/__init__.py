"""From what messages say to the text that a person reads: filters, citations, fences, pictures, styles."""

from translate.text.answer import AnswerBuilder, AnswerText
from translate.text.citations import Citation, CitationRewriter
from translate.text.escape import PLAIN, escaped, unescaped
from translate.text.filters import FilterChain
from translate.text.message import (
    Change,
    CitationsChanged,
    Completed,
    Grew,
    Message,
    PictureAdded,
    TookBack,
    ToolFailed,
)
from translate.text.presentation import (
    AnswerContext,
    Fenced,
    ItemSource,
    Links,
    Pictures,
    Presentation,
    ProgramOutput,
    Prose,
    Reasoning,
    ToolError,
)
from translate.text.renderer import Renderer
from translate.text.source_text import SourceText
from translate.text.stop import StopFilter

__all__ = [
    "PLAIN",
    "AnswerBuilder",
    "AnswerContext",
    "AnswerText",
    "Change",
    "Citation",
    "CitationRewriter",
    "CitationsChanged",
    "Completed",
    "Fenced",
    "FilterChain",
    "Grew",
    "ItemSource",
    "Links",
    "Message",
    "PictureAdded",
    "Pictures",
    "Presentation",
    "ProgramOutput",
    "Prose",
    "Reasoning",
    "Renderer",
    "SourceText",
    "StopFilter",
    "TookBack",
    "ToolError",
    "ToolFailed",
    "escaped",
    "unescaped",
]
