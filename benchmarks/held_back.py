"""How many tokens of plain text wait for the next one, and for what.

    python -m benchmarks.held_back

A token waits if some of its text is not given before a later record comes: then a client of a paced stream
gets it one token's interval late. Prints the share of such tokens, in thousandths, and what the waiting texts
begin with. `answers` are cut as the model's tokenizer cuts them, into pieces of whole characters; `phrases`
is the text of the other benchmarks.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import tiktoken

from benchmarks.backend_stream import Style, deltas, reply_tokens, snapshots
from benchmarks.expected_replies import CONTENT
from benchmarks.translation import Translation, WrongTranslation
from turns.encodings import CL100K, load_encoding

ANSWERS: Final = (
    """\
Sure! Here's how to read a large file **line by line** in Python without loading it all into memory:

```python
import re
from pathlib import Path

PATTERN = re.compile(r"^\\[(\\w+)\\]\\s*(.*)$")


def entries(path: Path) -> list[tuple[str, str]]:
    found = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if (match := PATTERN.match(line)) is None:
                continue
            found.append((match[1], f"{number}: {match[2]}"))
    return found


print(entries(Path("app.log"))[0][1])
```

A few notes:

1. `Path.open` returns an iterator, so only one line is kept at a time.
2. `enumerate(lines, start=1)` counts from one; use `[]` for an empty list.
3. If a line may be *very* long, read blocks with `f.read(65536)` instead.

> **Tip:** with `errors="replace"` broken bytes don't raise an exception.

Let me know if you'd like to see how to do the same with `asyncio`! 😊
""",
    """\
# Comparing three databases

Choosing a database depends on what you need. Here is a short overview:

| Database | Model | Best for | Licence |
| --- | --- | --- | --- |
| PostgreSQL | relational | complex queries, `JSONB` | PostgreSQL |
| MongoDB | documents | flexible schemas | SSPL |
| Redis | key/value | caching, queues | RSALv2/SSPLv1 |

## When to use which

- **PostgreSQL** is the safe default. It has transactions (ACID), arrays such as `int[]`, and a search.
- **MongoDB** stores documents like `{"name": "Ada", "tags": ["math", "engines"]}`:
  - nested documents need no joins,
  - indexes on array fields are built in [since version 2.4].
- **Redis** keeps everything in memory, so reads take less than 1 ms.

A task list before you decide:

- [x] Estimate the size of the data (e.g. 50 GB)
- [ ] Write down the five most frequent queries
- [ ] Measure them – don't guess

See the [PostgreSQL documentation](https://www.postgresql.org/docs/) for details. "It depends" is an honest
answer, but in 8 out of 10 cases I'd begin with PostgreSQL.

```sql
SELECT name, tags[1]
FROM people
WHERE born BETWEEN '1815-01-01' AND '1815-12-31'
ORDER BY name;
```

The formula for the average is $\\bar{x} = \\frac{1}{n} \\sum_{i=1}^{n} x_i$, where $x_i \\in [0, 1]$.
""",
    """\
当然可以！下面是一个简单的例子，说明如何用 Python 实现**快速排序**：

```python
def quick_sort(items):
    # 空列表或只有一个元素时直接返回
    if len(items) <= 1:
        return items
    pivot, *rest = items
    left = [x for x in rest if x < pivot]
    right = [x for x in rest if x >= pivot]
    return quick_sort(left) + [pivot] + quick_sort(right)
```

### 说明

1. **选择基准**：这里取第一个元素 `items[0]` 作为基准（pivot）。
2. **划分**：比基准小的放在 `left`，其余的放在 `right`。
3. **递归**：分别对两部分排序，最后把结果连接起来。

| 情况 | 时间复杂度 | 说明 |
| --- | --- | --- |
| 最好 | O(n log n) | 每次都平均划分 |
| 最坏 | O(n²) | 列表已经有序 |

【注意】“最坏情况”在实际中并不少见；可以先把列表打乱，例如 `random.shuffle(items)`，这样就能避免。

- 如果数据量很大，建议直接使用内置的 `sorted()`，它采用 Timsort 算法，稳定而且更快。
- 如果只需要前 k 个元素，可以使用 `heapq.nsmallest(k, items)`。

希望这对你有帮助！如果还有其他问题，欢迎继续提问。🎉
""",
    """\
Dear Ms. Li,

Thank you for your letter of 12 March. I've read it with great interest, and I'm happy to tell you that we can
offer you the room for the whole week (Monday to Sunday). The price is €480, breakfast included.

You asked whether the house is quiet: "As quiet as a library", my wife would say — the street ends at a river,
and there's no traffic after 8 p.m. The beds were replaced last year; the kitchen has a stove, a fridge and
all the pots you need.

A few practical things:

* The key is at the bakery next door (open from 6:30 a.m.).
* Please leave the bicycle in the yard, not in the hall.
* If you arrive late, call me: my number is 555-0173.

Warm regards,
[Your Name]
""",
)
"""Answers as a model writes them, in two languages: code, tables, lists, code spans, a link, brackets."""
WAITS_FOR: Final = {
    "`": "backticks",
    "]": "a bracket",
    "(": "the address of a link",
    "【": "a citation mark",
    "\n": "the end of a line",
}
STYLES: Final[tuple[Style, ...]] = ("raw", "py")
Render = Callable[[Sequence[str], Style], list[bytes]]
DIALECTS: Final[Mapping[str, Render]] = {"snapshot": snapshots, "delta v1": deltas}


def main() -> None:
    """Count and print the table."""
    texts = {"answers": answer_tokens(), "phrases": reply_tokens(4000)}
    print(f"{'text':>8}  {'dialect':>8}  style  tokens  waiting, of 1000")
    for name, tokens in texts.items():
        for dialect, render in DIALECTS.items():
            for style in STYLES:
                waiting = waiting_for(tokens, render(tokens, style))
                share = 1000 * waiting.total() / len(tokens)
                reasons = ", ".join(f"{count} {reason}" for reason, count in waiting.most_common())
                print(f"{name:>8}  {dialect:>8}  {style:>5}  {len(tokens):>6}  {share:.2f}  ({reasons})")


def answer_tokens() -> tuple[str, ...]:
    """The tokens of `ANSWERS`; those that hold a part of a character go with the next one."""
    encoding = load_encoding(CL100K)
    return tuple(token for answer in ANSWERS for token in _whole(encoding, answer))


def _whole(encoding: tiktoken.Encoding, text: str) -> Iterator[str]:
    collected = b""
    for token in encoding.encode_ordinary(text):
        collected += encoding.decode_single_token_bytes(token)
        try:
            whole = collected.decode()
        except UnicodeDecodeError:
            continue
        yield whole
        collected = b""


def waiting_for(tokens: Sequence[str], records: Sequence[bytes]) -> Counter[str]:
    """How many of `tokens` wait, by what they wait for. `records` grow by one of them each, in order."""
    translation, text = Translation(), "".join(tokens)
    waiting: Counter[str] = Counter()
    written, wanted, grown = "", 0, iter(tokens)
    # One record comes before the first token, in delta v1 two; after the last come two.
    for index, record in enumerate(records, start=len(tokens) + 2 - len(records)):
        pieces = CONTENT.findall(translation.feed(record))
        written += "".join(json.loads(b'"' + piece + b'"') for piece in pieces)
        if 0 <= index < len(tokens):
            wanted += len(next(grown))
            if len(written) < wanted:
                waiting[WAITS_FOR.get(text[len(written)], "other")] += 1
    if written != text:
        raise WrongTranslation("the text differs")
    return waiting


if __name__ == "__main__":
    main()
