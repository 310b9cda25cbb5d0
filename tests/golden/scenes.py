"""The turns that are recorded: each kind the simulated backend knows, and what may befall one."""

from dataclasses import dataclass

from simulator.kind_names import KIND_NAMES


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that goes with the question."""

    name: str
    content: bytes
    use_case: str


@dataclass(frozen=True, slots=True)
class Scene:
    """One turn. `knobs` are those of the simulator; `then` is what the caller does when the backend waits
    for something: continue, allow, deny, or nothing.
    """

    name: str
    question: str
    knobs: str = ""
    uploads: tuple[Upload, ...] = ()
    then: str = ""
    finish: str = "stop"


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000020000000208020000fdd49a73"
    "0000000c49444154789c6360606000000004000160e2b9f40000000049454e44ae426082"
)
LETTER = "Liebe Käthe,\nder Tee ist da: 🍵 PRIVATE-FILE-TEXT\n".encode()
SHEET = b"name,value\ntea,3\n"

QUESTIONS = {
    "code": "Calculate 17*23",
    "figure": "Plot 3, 1, 2",
    "file": "Make a csv file about tea",
    "draw": "Draw a cat",
    "browse": "Search the web for tea",
}
OF_KINDS = tuple(
    Scene(name, QUESTIONS.get(name, "Tell me about tea"), f"kind={name} tokens=60") for name in KIND_NAMES
)

SPECIAL = (
    Scene("vision", "What is this?", uploads=(Upload("dot.png", PNG, "multimodal"),)),
    Scene("file_search", "What does the letter say?", uploads=(Upload("letter.txt", LETTER, "my_files"),)),
    Scene("read_upload", "How many lines?", uploads=(Upload("sheet.csv", SHEET, "ace_upload"),)),
    Scene("continue", "Tell me about tea", "finish=max_tokens tokens=60", then="continue"),
    Scene("cut_by_length", "Tell me about tea", "finish=max_tokens tokens=60", finish="length"),
    Scene("action_allowed", "Look up tea", "kind=action", then="allow"),
    Scene("action_denied", "Look up tea", "kind=action", then="deny"),
    Scene("instructions", "Tell me about tea", "instructions=1 tokens=60"),
    Scene("unknown_records", "Tell me about tea", "unknown=1 comments=1 empty=1 tokens=60"),
    Scene("blocked", "Tell me about tea", "moderation=blocked tokens=60", finish="content_filter"),
    Scene("blanked", "Tell me about tea", "moderation=blanked tokens=60", finish="content_filter"),
    Scene("late_citations", "Search the web for tea", "kind=browse citations=late"),
    Scene("missing_citations", "Search the web for tea", "kind=browse citations=missing"),
    Scene("resent_pictures", "Draw a cat", "kind=draw images=3 resend=1"),
    Scene("half_characters", "🍵和🔥", "fffd=1 tokens=60"),
    Scene("characters", "🍵和🔥", "unit=char step=3 tokens=60 ascii=0"),
    Scene("chinese_rounds", "分析茶的数据", "kind=rounds"),
    Scene("chinese_browse", "搜索绿茶", "kind=browse"),
    Scene("chinese_files", "生成文件", "kind=files"),
)

SCENES = {scene.name: scene for scene in (*OF_KINDS, *SPECIAL)}
