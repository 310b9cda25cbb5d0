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

KIND_NAMES_2026: dict[str, str] = {
    "search": "web search: queries, results, thoughts, an answer with citations",
    "think": "a preamble, thoughts with headlines, the time they took, an answer",
    "python_hidden": "Python on the analysis channel, which nobody sees",
    "python_shown": "python_user_visible: code, output and a chart that are part of the answer",
    "file_pages": "file_search: page pictures that are not for the user, an answer that cites a file",
    "canvas": "canvas: a document, and words about it",
    "canvas_code": "canvas: a program, written while it grows",
    "canvas_update": "canvas: a document is made, then rewritten",
    "entity": "marks: entities, with a reference and without",
    "url": "marks: links with a label, by address and by reference",
    "products": "marks: a list of products, and a product",
    "image_group": "marks: a group of pictures",
    "math": "marks: formulas as widgets",
    "writing": "a writing block: an e-mail",
    "widgets": "marks: finance, forecast, map, video, a list of news, memory, and an unknown one",
    "loose": "marks: not closed, without separators, with line breaks, spans, stripped ones",
    "pro": "pro mode: a status card, a handoff, and the answer elsewhere",
    "research": "deep research of 2025: it starts, and the report comes into the conversation later",
    "research_app": "deep research of 2026: a call of an app whose message gets the report later",
    "draw_limit": "drawing: the limit of pictures is reached, an answer in words",
}
"""Those of the age 2026 only, which also has others of `draw`, `draw_refused` and `browse`."""
