"""Stock sentences in English and Chinese.

`{t}` stands for the topic, `{q}` for the question, other names for one of the `fillers`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phrases:
    """The phrases of one language. `separator` comes between two sentences."""

    separator: str
    opening: tuple[str, ...]
    sentences: tuple[str, ...]
    headings: tuple[str, ...]
    points: tuple[str, ...]
    list_lead: tuple[str, ...]
    code_lead: tuple[str, ...]
    closing: tuple[str, ...]
    fillers: dict[str, tuple[str, ...]]


ENGLISH = Phrases(
    separator=" ",
    opening=(
        "You asked: “{q}”. Here is a simulated answer about {t}.",
        "Good question! Let me say a few things about {t}.",
        "Let's look at {t} together. You wrote “{q}”, so I start with the basics.",
        "Sure – here is what I can say about {t}. 🙂",
    ),
    sentences=(
        "{t} is easier to understand when you {verb} it {adverb}.",
        "Most people first meet {t} in {place}, and only later notice {thing}.",
        "A {adj} way to think about {t} is to compare it with {thing}.",
        "There are {number} common views on {t}, and each of them has its merits.",
        "If you care about {thing}, {t} deserves a {adj} look.",
        "In practice, {thing} matters more than theory when it comes to {t}.",
        "That said, {t} is not without difficulties: {thing} can get in the way.",
        "Some people say “{thing} first”, but with {t} the order hardly matters.",
        "It helps to {verb} {adverb}, to take notes, and to ask what {thing} has to do with it.",
        "Nobody agrees on everything here; still, {thing} is a {adj} place to start.",
        "Compared with {number} years ago, {t} has become far more {adj}.",
        "When in doubt, {verb} one part of {t} at a time.",
        "One thumb up for {thing} 👍🏽, two for {t}.",
    ),
    headings=("Overview", "Why it matters", "Details", "A closer look", "Common mistakes", "Next steps"),
    points=(
        "**{thing}** – {verb} it {adverb}",
        "Start with {thing}, then move on to {place}",
        "Keep {t} {adj}; everything else can wait",
        "Ask someone who knows {thing} 🌟",
        "`{thing}` is a {adj} keyword to look for",
    ),
    list_lead=("A few points to remember:", "In short:", "Here is a checklist:"),
    code_lead=("A tiny example says more than words:", "In code it could look like this:"),
    closing=(
        "Would you like to hear more about {t}?",
        "Tell me if you want me to go deeper into any of this.",
        "I hope this helps! 😊",
        "Feel free to ask a follow-up question.",
    ),
    fillers={
        "verb": ("study", "test", "sketch", "repeat", "question", "measure"),
        "adverb": ("step by step", "with patience", "from both sides", "in small pieces", "out loud"),
        "place": ("everyday life", "school", "a small project", "the news", "an old book"),
        "thing": (
            "a good example",
            "the context",
            "careful reading",
            "cost",
            "timing",
            "habit",
            "the naïve approach",
        ),
        "adj": ("simple", "practical", "careful", "useful", "surprising", "reliable"),
        "number": ("two", "three", "four", "ten"),
    },
)

CHINESE = Phrases(
    separator="",
    opening=(
        "你问的是：“{q}”。下面是关于{t}的一段模拟回答。",
        "好问题！我们来聊聊{t}。",
        "关于{t}，我先从最基本的部分说起。",
        "当然可以，下面说说{t}。🙂",
    ),
    sentences=(
        "理解{t}的关键，在于{adverb}{verb}它。",
        "很多人最早是在{place}接触到{t}的，后来才注意到{thing}。",
        "一个{adj}的办法，是把{t}和{thing}放在一起比较。",
        "关于{t}，常见的看法有{number}种，各有各的道理。",
        "如果你在意{thing}，那么{t}值得{adj}地看一看。",
        "在实践中，{thing}往往比理论更重要。",
        "不过，{t}也有困难之处：{thing}有时会成为障碍。",
        "有人说“{thing}最重要”，但对{t}来说，顺序并不是关键【注意】。",
        "建议你{adverb}{verb}，做些笔记，再想一想{thing}与它的关系。",
        "与{number}年前相比，{t}已经变得更加{adj}了。",
        "拿不准的时候，不妨先{verb}其中的一小部分。",
        "给{thing}点个赞👍🏽，再来看{t}。",
    ),
    headings=("概述", "为什么重要", "细节", "进一步了解", "常见误区", "下一步"),
    points=(
        "**{thing}**：{adverb}{verb}",
        "先看{thing}，再看{place}",
        "让{t}保持{adj}，其他的可以慢慢来",
        "请教懂得{thing}的人 🌟",
        "可以搜索关键词 `{thing}`",
    ),
    list_lead=("记住下面几点：", "简单来说：", "可以对照这份清单："),
    code_lead=("用一小段代码来说明：", "写成代码大概是这样："),
    closing=(
        "还想继续了解{t}吗？",
        "如果需要，我可以就其中任何一点再展开说说。",
        "希望对你有帮助！😊",
        "欢迎继续提问。",
    ),
    fillers={
        "verb": ("研究", "尝试", "观察", "复习", "分析", "记录"),
        "adverb": ("一步一步地", "耐心地", "从两个方面", "反复地", "结合例子"),
        "place": ("日常生活", "课堂上", "一个小项目里", "新闻里", "一本旧书里"),
        "thing": ("一个好例子", "上下文", "仔细阅读", "成本", "时机", "习惯", "细节"),
        "adj": ("简单", "实用", "仔细", "有用", "可靠", "清楚"),
        "number": ("两", "三", "四", "十"),
    },
)
