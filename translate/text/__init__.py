"""From what messages say to the text that a person reads: filters, citations, fences, pictures, styles."""

from translate.text.answer import AnswerBuilder, AnswerText
from translate.text.citations import FOOTNOTE, CitationRewriter
from translate.text.cited_pages import CitedPages
from translate.text.contract_hint import ENDS_OF_SPACES, TAG_HINT, shorten, without_space
from translate.text.escape import PLAIN, escaped, unescaped
from translate.text.filters import FilterChain
from translate.text.loose_marks import COLON, LOOSE_HINT
from translate.text.marks import PRIVATE
from translate.text.message import (
    BrowserUsed,
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
    Canvas,
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
from translate.text.references import Citation, Source, usable_url
from translate.text.renderer import Renderer
from translate.text.source_text import SourceText
from translate.text.stop import StopFilter

__all__ = [
    "COLON",
    "ENDS_OF_SPACES",
    "FOOTNOTE",
    "LOOSE_HINT",
    "PLAIN",
    "PRIVATE",
    "TAG_HINT",
    "AnswerBuilder",
    "AnswerContext",
    "AnswerText",
    "BrowserUsed",
    "Canvas",
    "Change",
    "Citation",
    "CitationRewriter",
    "CitationsChanged",
    "CitedPages",
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
    "Source",
    "SourceText",
    "StopFilter",
    "TookBack",
    "ToolError",
    "ToolFailed",
    "escaped",
    "shorten",
    "unescaped",
    "usable_url",
    "without_space",
]
