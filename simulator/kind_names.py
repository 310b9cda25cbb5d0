"""Names of the kinds of turns, with a sentence each; `kinds` has what they do."""

KIND_NAMES: dict[str, str] = {
    "text": "an answer in text",
    "advert": "an answer, and an advertisement as another message that starts empty",
    "variants": "two answers, interleaved under two ids",
    "code": "code interpreter: one call, its output",
    "rounds": "code interpreter: several calls with text between, an error, a figure",
    "code_error": "code interpreter: an exception",
    "figure": "code interpreter: a chart",
    "tool_error": "code interpreter: the tool breaks down (system_error), the model goes on",
    "file": "code interpreter: a file to download from the sandbox",
    "files": "code interpreter: files with awkward names",
    "draw": "DALL-E: pictures",
    "draw_refused": "DALL-E: a refusal, no picture",
    "browse": "browsing: search, click, quote, an answer with citations",
    "browse_failed": "browsing: a click that fails, an answer all the same",
    "action": "GPTS Action: asks for consent and ends; goes on after the user's word",
    "oauth": "GPTS Action: wants a login",
}
