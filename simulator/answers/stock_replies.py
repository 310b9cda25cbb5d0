"""Replies to typical questions: each rule is a pattern and a function that makes the reply."""

import random
import re
from collections.abc import Callable

from simulator.answers.arithmetic import calculate, find_calculation, format_number
from simulator.answers.edits import edit
from simulator.answers.frontend_requests import json_reply, requested_title, summary
from simulator.answers.prompt import Prompt, shortened
from simulator.answers.prose import ProseWriter

_FLAGS = re.IGNORECASE | re.DOTALL | re.ASCII
_REPEAT = re.compile(
    r"^(?:please )?(?:say exactly|repeat after me|repeat exactly|请?原样(?:重复|输出)|请?重复)"
    r"\s*[:：]\s*(.+)$",
    _FLAGS,
)
Reply = Callable[[Prompt, ProseWriter, random.Random], str | None]
"""Makes a reply; None if the rule does not apply after all."""


def stock_reply(prompt: Prompt, writer: ProseWriter, rng: random.Random) -> str | None:
    """The reply of the first rule that applies, None if none does."""
    for pattern, make in _RULES:
        if pattern.search(prompt.plain):
            text = make(prompt, writer, rng)
            if text is not None:
                return text
    return None


def _repeat(prompt: Prompt, writer: ProseWriter, rng: random.Random) -> str | None:
    found = _REPEAT.search(prompt.question)
    return found.group(1) if found else None


def _greeting(prompt: Prompt, writer: ProseWriter, rng: random.Random) -> str:
    chosen = rng.randrange(3)
    english = (
        "Hello! How can I assist you today?",
        "Hi there! 👋 What would you like to talk about?",
        "Hey! Nice to hear from you. What can I do for you?",
    )
    chinese = ("你好！有什么可以帮你的吗？😊", "您好！今天想聊点什么？", "嗨！很高兴见到你。你想问什么？")
    return prompt.localized(english[chosen], chinese[chosen])


def _identity(prompt: Prompt, writer: ProseWriter, rng: random.Random) -> str:
    return prompt.localized(
        "I am not a real language model: I am a **simulated backend**, answering under the name "
        f"`{prompt.model}`. My replies are put together from stock sentences, for trying things out and "
        "for tests, so please don't rely on them.",
        f"我不是真正的语言模型，而是一个**模拟后端**，目前以 `{prompt.model}` 的名义作答。"
        "我的回答由固定的句子拼成，用来试用和测试，请不要当真。",
    )


def _abilities(prompt: Prompt, writer: ProseWriter, rng: random.Random) -> str:
    return prompt.localized(
        "I am a **simulated backend**, so everything here is made up, but you can see how it all looks. "
        "Try:\n\n- Tell me about volcanoes in detail\n- Write 200 words about tides\n"
        "- Write a poem about rain\n"
        "- What is 17*23?\n\nand with a GPT-4 model also:\n\n- Draw two pictures of a cat\n"
        "- Plot 3, 1, 4, 1, 5\n- Calculate 12*(3+4)\n- Search the web for green tea\n"
        "- Make a csv file about tea 🍵",
        "我是一个**模拟后端**，内容都是编出来的，但可以看到各种回答的样子。试试：\n\n"
        "- 详细介绍一下火山\n- 写一篇200字的文章介绍潮汐\n- 写一首关于雨的诗\n- 17*23等于多少？\n\n"
        "用 GPT-4 模型还可以：\n\n- 画两张猫的图\n- 画一个柱状图：3, 1, 4, 1, 5\n- 计算 12*(3+4)\n"
        "- 搜索绿茶\n- 生成一个关于茶的csv文件 🍵",
    )


def _instructions(prompt: Prompt, writer: ProseWriter, rng: random.Random) -> str:
    if not prompt.system:
        return prompt.localized("I was given no system prompt.", "我没有收到系统提示。")
    system = shortened(prompt.system, 300)
    return prompt.localized(f"My system prompt says: “{system}”", f"收到的系统提示是：“{system}”")


def _recall(prompt: Prompt, writer: ProseWriter, rng: random.Random) -> str:
    if not prompt.earlier:
        return prompt.localized("This is the first thing you have asked me here.", "这是你的第一个问题。")
    last = shortened(prompt.earlier[-1], 300)
    return prompt.localized(f"Before this you said: “{last}”", f"你刚才说的是：“{last}”")


def _calculation(prompt: Prompt, writer: ProseWriter, rng: random.Random) -> str | None:
    written = find_calculation(prompt.plain)
    value = calculate(written) if written else None
    return None if value is None else f"{written} = **{format_number(value)}**"


def _one_word(prompt: Prompt, writer: ProseWriter, rng: random.Random) -> str:
    chosen = rng.randrange(4)
    english = ("Yes.", "Certainly.", "Simulated.", "Perhaps.")
    return prompt.localized(english[chosen], ("好。", "是。", "对。", "可以。")[chosen])


def _thanks(prompt: Prompt, writer: ProseWriter, rng: random.Random) -> str:
    return prompt.localized("You're welcome! 😊", "不客气！😊")


def _translate(prompt: Prompt, writer: ProseWriter, rng: random.Random) -> str:
    first, _, rest = prompt.question.partition("\n")
    text = rest or re.split("[:：]", first, maxsplit=1)[-1]
    note = prompt.localized("(simulated translation) ", "（模拟翻译）")
    return note + text.strip().strip('“”"')


def _joke(prompt: Prompt, writer: ProseWriter, rng: random.Random) -> str:
    return prompt.localized(
        "Why do programmers mix up Halloween and Christmas? Because Oct 31 == Dec 25. 🎃",
        "为什么程序员分不清万圣节和圣诞节？因为 Oct 31 == Dec 25。🎃",
    )


def _poem(prompt: Prompt, writer: ProseWriter, rng: random.Random) -> str:
    topic = prompt.topic
    return prompt.localized(
        f"**{topic[:1].upper()}{topic[1:]}**\n\nA quiet line for {topic},\nA second one for rain,\n"
        "The third one wanders off a while\nAnd then comes home again.",
        f"**{topic}**\n\n风轻轻吹过{topic}，\n云慢慢走过山岗；\n我把一句话写在纸上，\n留给明天的月光。",
    )


def _code(prompt: Prompt, writer: ProseWriter, rng: random.Random) -> str:
    topic = prompt.topic
    lead = prompt.localized(f"Here is a small sketch for “{topic}”:", f"下面是一个关于“{topic}”的小例子：")
    tail = prompt.localized("It adds up the numbers and prints `6`.", "它把数字相加，并打印 `6`。")
    code = (
        "def solve(items: list[int]) -> int:\n    total = 0\n    for item in items:\n        total += item\n"
        '    return total\n\n\nprint(solve([1, 2, 3]), "\\u2713 done")'
    )
    return f"{lead}\n\n```python\n{code}\n```\n\n{tail}"


def _table(prompt: Prompt, writer: ProseWriter, rng: random.Random) -> str:
    head = prompt.localized("| Option | Good | Bad |", "| 项目 | 优点 | 缺点 |")
    rows = (head, "| --- | --- | --- |", "| A | `simple` | slow |", r"| B | **fast** | complex \| costly |")
    return writer.opening() + "\n\n" + "\n".join(rows)


def _list(prompt: Prompt, writer: ProseWriter, rng: random.Random) -> str:
    found = re.search(r"\b(\d{1,2})\b", prompt.plain)
    return writer.bullet_list(max(1, int(found.group(1))) if found else 5, numbered=True)


def _json(prompt: Prompt, writer: ProseWriter, rng: random.Random) -> str | None:
    return json_reply(prompt)


def _edit(prompt: Prompt, writer: ProseWriter, rng: random.Random) -> str | None:
    return edit(prompt)


def _title(prompt: Prompt, writer: ProseWriter, rng: random.Random) -> str:
    return requested_title(prompt)


def _summary(prompt: Prompt, writer: ProseWriter, rng: random.Random) -> str:
    return summary(prompt)


def _rule(english: str, chinese: str, make: Reply) -> tuple[re.Pattern[str], Reply]:
    return re.compile(f"{english}|{chinese}" if chinese else english, _FLAGS), make


_RULES: tuple[tuple[re.Pattern[str], Reply], ...] = (
    (_REPEAT, _repeat),
    _rule(r"^change `.*SEARCH/REPLACE", "", _edit),
    _rule(r"\bJSON\b.*[{\"'](?:title|tags|follow_ups|queries)\b", "", _json),
    _rule(
        r"\b(?:title|headline)\b.{0,60}\b(?:words?|summari|conversation|chat)"
        r"|\b(?:make|generate|write|create)\b.{0,30}\btitle\b",
        r"(?:四到五|[345]-\d|几)个?字.{0,20}(?:主题|标题|概括)|(?:生成|取|起|写).{0,12}标题|简要主题",
        _title,
    ),
    _rule(
        r"\bsummari[sz]e\b.{0,30}\b(?:discussion|conversation|chat|dialog)",
        r"总结.{0,8}对话|对话.{0,10}总结",
        _summary,
    ),
    _rule(r"^translate\b|\btranslate\b.{0,40}\b(?:to|into)\b", r"翻译", _translate),
    _rule(
        r"\bwhat (?:can|do) you do\b|\bhow can you help\b|^\s*help[\s!?.]*$",
        r"你(?:能|会|可以)做(?:些)?什么|有什么功能|怎么用你",
        _abilities,
    ),
    _rule(
        r"\bwho are you\b|\bwhat are you\b|\b(?:which|what) (?:language )?model\b|\byour name\b"
        r"|\bare you (?:a |an )?(?:real|chatgpt|gpt|bot|human|simulat)",
        r"你是谁|你是什么|你叫什么|(?:什么|哪个|哪种)模型|自我介绍|你是(?:真|人|机器人|gpt)",
        _identity,
    ),
    _rule(
        r"\byour (?:system )?(?:instructions|prompt)\b|\bsystem prompt\b", r"系统提示|你的指令", _instructions
    ),
    _rule(
        r"\bwhat did i (?:just )?(?:say|ask|write)\b|\bmy (?:last|previous) (?:question|message)\b",
        r"我(?:刚才|刚刚|之前|上一个)(?:说|问|的问题)",
        _recall,
    ),
    _rule(r"\d\s*[+\-*/×÷]\s*[\d(]", "", _calculation),
    _rule(r"\b(?:in|with|just|only) one word\b|\byes or no\b", r"一个词|一个字|是或否|是还是不是", _one_word),
    _rule(r"^\s*(?:thanks?|thank you|thx)\b", r"^\s*(?:谢谢|多谢|感谢)", _thanks),
    _rule(
        r"^\s*(?:hi|hello|hey|good (?:morning|evening|afternoon)|test|ping)\b"
        r"[\s!.,~?]*(?:there|chatgpt|gpt)?[\s!.?]*$",
        r"^\s*(?:你好|您好|嗨|早上好|晚上好|在吗)[\s!.。,~?]*$",
        _greeting,
    ),
    _rule(r"\bjoke\b", "笑话", _joke),
    _rule(r"\b(?:poem|haiku|verse)\b", "诗", _poem),
    _rule(
        r"\b(?:function|script|program|snippet|regex|sql query)\b|\bcode (?:for|to|that)\b",
        "代码|函数|程序|脚本",
        _code,
    ),
    _rule(r"\b(?:table|compare|comparison|versus|vs\.?)\b", "表格|对比|比较", _table),
    _rule(r"\b(?:list|name|give me)\b.{0,20}\b\d{1,2}\b|\blist of\b", "列出|列举", _list),
)
