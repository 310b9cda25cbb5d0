"""A question: its language, its topic, and what came before it."""

import re
import unicodedata
from dataclasses import dataclass

_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN_WORD = re.compile(r"[A-Za-z]{2,}")

# What stands before the topic, in three layers: courtesy, verb, kind of text.
_COURTESY_EN = re.compile(
    r"^(?:(?:hi|hello|hey|please|ok|so|well|now)\b[,!. ]*)*"
    r"(?:(?:can|could|would|will) you (?:please )?|i(?:'d| would) like (?:you )?to |i want (?:you )?to )?",
    re.IGNORECASE,
)
_VERB_EN = re.compile(
    r"^(?:(?:tell|teach|show|give|write|explain|describe|discuss|summari[sz]e|compare|make|create|generate"
    r"|draw|paint|plot|find|search|look up|list)\b(?: (?:me|us|the web|up|for|out))*(?: (?:about|on|to|of))?"
    r"|what(?:'s| is| are| was| were| do you know about| does)|who(?:'s| is| was)|why (?:is|are|do|does|did)"
    r"|how (?:do|does|did|can|to|is|are)(?: i| you| we)?|when (?:is|was|did)|where (?:is|are|was)|which) ",
    re.IGNORECASE,
)
_KIND_EN = re.compile(
    r"^(?:a|an|the|some|five|three|ten|\d+)?\s*(?:short|long|brief|little|detailed|nice)?\s*"
    r"(?:poem|story|essay|joke|list|article|paragraph|picture|image|chart|csv(?: file)?|file|table|summary"
    r"|text|words?|tips|ideas|examples)s?\s+(?:about|of|on|for)\s+",
    re.IGNORECASE,
)
_COURTESY_ZH = re.compile(r"^(?:你好|您好|请问|请|麻烦|帮我|帮忙|能不能|可以|你能|给我|跟我|为我)*[,!。 ]*")
_VERB_ZH = re.compile(
    r"^(?:介绍一下|介绍|解释一下|解释|说明一下|说说|讲讲|讲一个|讲一讲|谈谈|描述一下|描述|告诉我|什么是"
    r"|写一篇|写一首|写一个|写|画一只|画一个|画一张|画一幅|画|搜索一下|搜索|查一下|总结一下|总结|列出"
    r"|为什么|怎么样|怎么|如何)?(?:关于)?"
)
_TAIL_ZH = re.compile(r"(?:是什么意思|是什么|是谁|怎么样|的(?:文章|诗|故事|历史|原理)|[呢吗吧么啊]|一下)+$")
_LENGTH = re.compile(
    r"\s*[,(]?\s*(?:(?:in|with|about|of|using) )?(?:(?:at least|about|around|exactly) )?"
    r"(?:\d{1,5}|one|a few)\s*(?:words?|sentences?|个?字|词)(?:左右|以内)?[)]?"
    r"|\s*,?\s*(?:in detail|in one word|briefly|please|thanks?(?: you)?)$",
    re.IGNORECASE,
)
_NO_TOPIC = ("", "你", "我", "他", "她", "它", "这", "那")
_PUNCTUATION = " ?!.,:;。…"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question, the user's `earlier` messages and the system prompt.

    `tokens` is the exact length of the answer, 0 for any; `seed` is the knob of that name.
    """

    question: str
    model: str
    earlier: tuple[str, ...] = ()
    system: str = ""
    tokens: int = 0
    seed: str = ""

    @property
    def plain(self) -> str:
        """The question in Unicode's NFKC form, so that patterns need no full-width forms."""
        return unicodedata.normalize("NFKC", self.question)

    @property
    def chinese(self) -> bool:
        """Whether the question is in Chinese: it has at least as many Han characters as Latin words."""
        han = len(_HAN.findall(self.question))
        return han > 0 and han >= len(_LATIN_WORD.findall(self.question))

    @property
    def topic(self) -> str:
        """The topic in a few words, for use in a sentence; never empty."""
        line = next((line.strip() for line in self.plain.splitlines() if line.strip()), "")
        line = _LENGTH.sub("", line).strip(_PUNCTUATION)
        layers = (_COURTESY_ZH, _VERB_ZH, _TAIL_ZH) if self.chinese else (_COURTESY_EN, _VERB_EN, _KIND_EN)
        topic = line
        for layer in layers:
            topic = layer.sub("", topic, count=1).strip(_PUNCTUATION)
        if self.chinese:
            topic = topic.strip("的")
            return shortened(line or "这个问题" if topic in _NO_TOPIC else topic, 20)
        return shortened(topic.strip("\"'") or line or "this question", 60)

    @property
    def quoted(self) -> str:
        """The question on one line, cut at 120 characters."""
        return shortened(" ".join(self.question.split()), 120)

    def localized(self, english: str, chinese: str) -> str:
        """The one of two texts that is in the language of the question."""
        return chinese if self.chinese else english


def shortened(text: str, limit: int) -> str:
    """`text` cut at `limit` characters, or at the last space before."""
    if len(text) <= limit:
        return text
    head = text[:limit]
    return (head.rsplit(" ", 1)[0] if " " in head else head).rstrip(_PUNCTUATION) + "…"
