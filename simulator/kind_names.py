"""The kinds of turns by name, with a sentence that describes each; `kinds` has their steps."""

KIND_NAMES: dict[str, str] = {
    "text": "an answer in text",
    "advert": "an answer, and an advertisement as another message that starts empty",
    "variants": "two answers, interleaved under two ids",
    "code": "code interpreter: one call, its output",
    "rounds": "code interpreter: several calls with text between, an error, a figure",
    "code_error": "code interpreter: an exception",
    "figure": "code interpreter: a chart",
    "tool_error": "code interpreter: the tool fails (system_error), the model goes on",
    "file": "code interpreter: a file to download from the sandbox",
    "files": "code interpreter: files with awkward names",
    "draw": "DALL-E: pictures",
    "draw_refused": "DALL-E: a refusal, no picture",
    "browse": "browsing: search, click, quote, an answer with citations",
    "browse_failed": "browsing: a click that fails, and an answer without it",
    "action": "GPT with an Action: asks for consent and ends; goes on once the user has decided",
    "oauth": "GPT with an Action: wants a login",
}
