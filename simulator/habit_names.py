"""How a model writes the calls and the JSON that its prompt asks for: habits by name; `agents` has them."""

HABITS: dict[str, str] = {
    "": "as it is told",
    # What it says beside the calls
    "before": "words before the calls, or the JSON",
    "after": "invented results after the calls, words after the JSON",
    "between": "two calls with words between them",
    "twice": "the call twice, with other values where the question has some; two different JSON values",
    # The envelope
    "unclosed": "the closing line is forgotten",
    "one_line": "all of a call on one line",
    "fenced": "all in a code fence",
    "quoted": "the call, or the JSON, as an example in a fence, with words before and after",
    "inline": "the call in inline code, amid words",
    "false_start": "a call that breaks off, and then the whole one",
    "closing_inside": "an argument has the closing line in its text",
    "nameless": "the opening line has no name",
    "wrong_tag": "the tag of another conversation",
    "entities": "`&lt;` and `&gt;` for the tag's brackets",
    # The name
    "wrong_case": "the name in other letters: small for capital, or the other way round",
    "prefixed": "the name with `functions.` before it",
    "near_name": "a name that is like one of the list",
    "unknown": "a tool that is not in the list",
    # The JSON: repairs that are safe
    "pretty": "JSON in many lines, with indents",
    "raw_newlines": "JSON: raw line breaks and tabs in a text",
    "trailing_comma": "JSON: a comma after the last value",
    "spaces": "JSON: a byte order mark, no-break spaces",
    "object_in_fence": "JSON: a code fence round the object, within the call",
    "lone_backslash": "JSON: a backslash before a character that needs none",
    "missing_brace": "JSON: the last brace is missing",
    "json_in_string": "JSON: the object as a text with JSON in it",
    "number_as_text": "JSON: a number between quotation marks",
    # The JSON: repairs that are not
    "single_quotes": "JSON: single quotation marks",
    "unquoted_keys": "JSON: names without quotation marks",
    "python_literals": "JSON: True for true",
    "smart_quotes": "JSON: typographic quotation marks",
    "cut": "JSON: it breaks off, and so does the answer",
    "doubled": "JSON: the object twice in one call",
    "bare_text": "JSON: a text instead of the object",
    "missing_field": "a required value is missing",
    "wrong_type": "a value of another type",
    "extra_field": "a value that nobody asked for",
    # It does not do as it is told
    "prose": "words instead of the calls or the JSON",
    "refuse": "words that say it has no such tools, or cannot give the JSON",
    "blank": "white space and nothing else",
    "python": "its own Python instead of the tool, and words about the result",
    # Without measure
    "huge": "a text of a million characters (or thousands of `tokens`) among the values",
    "openers": "a thousand (or `tokens`) opening lines",
}
