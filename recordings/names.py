"""Names of the backend's protocol, which a recording keeps: of keys, types, roles, events and the like.

A name is kept if it is made of these words only. So a new name out of known words stays readable, and nothing
that a user or a model said can pass for one at a place where names stand.
"""

import re
from typing import Final

_WORDS: Final = """
a aac academia accept accepted account ace action actions active add admission ads after aggregate all
allow allowed alt always amd analysis and annotations answer api app append archived args artifact ask
aspect asset assets assistant async at attachment attachments attributable attribution audio auth author
automations aux available b background banner bash beacon berry big bio block blocked blocks body browser
browsing businesses busy by bytes c call campaign can cancelled canmore cannot canvas cap capabilities
card case catchups categories category chain challenge channel chat chatgpt children chips chunk chunks
citable citation citations cite cited classic clears client cloud cmd code com command comment commentary
common
complete completed completion compliance computer concurrency conduit configurable confirm confirmation
connect connected connector consumer container content context continuation continue conversation
conversations cot count cpp create created crisis css csv current custom d dalle data date davinci day
deactivated debug decoding deep default defined delete deleted delta denied deny deprecated description
detail details developer device diff direction disable disabled disclaimer disclaimers display doc
document domain done download downloads duration e edit editable edited effect effort efforts email empty
enabled encoded encoding encodings end ended ending endpoint entities entity entries entry error errors
event evidence exceed exceeded exceeds exception exceptions exchange exec execution expired expression
extended extra fail failed failure fallback feature features feed feedback file filecite files fileservice
filter final finance finish finished first flagged flags followup font footnote forbidden force forecast
format found fovea free from full g gen general generated generation genui get ghostrider gizmo gizmos go
gpt gpts gpu graph group grouped groups handoff has hash header heartbeat height helpline hidden hide hint
hints history hour html http hue i icon id identity ids idx im image images ims in inaccessible index info
initial inline input instant instructions insufficient intelligence interacted interaction intermediate
internal interrupted interruption interval invalid invalidated invite invocation invoked is item items ix
j java javascript jit jpeg js json jupyter jwt kernel key keywords kickoff kind kotlin label landscape
language
large last late latency latest latex layout lazy length level library limit limited limits line link list
loading local logical m main mainline manifest map mapping markdown marker marketplace matched math max
mclick md me medium memcite memory message messages meta metadata method metrics mime mini minute missing
mobile mode model models moderated moderation module more mp ms msearch msg multi multimodal multiple my
myfiles n name names namespace nav navigation navlist new news next no node none normal not notes notice
notification null num number o oauth object odyssey of official offset offsets og on op open openai opened
operation option options opus order orientation origin out output overloaded p page paragen params parent
part partial parts paste patch path pattern payload peek pending perf persisted persists personal php
picture ping plain plaintext plan plugin plugins png pod pointer policy poll portrait position powershell
ppl preamble predicted prefetch prepared presence preset presets preview previews price prices primary
privacy pro product products profile progress prompt protection protocol prototype provider pub public
python q qdf queries query queue quota quote r rate ratio reached ready real reason reasoning recap
recipient recovered recv ref reference referenced references refs regex remaining remember remote remove
render replace replacement reply repo repository request requested requests required requires research
reset resets resolved resource response result results resume retrieval retry review revision revoked role
root rows ruby run running rust s safe safety sandbox save saved scale schedule score search searched sec
seconds section sed sediment seed selected selection selections send sender sent sequence serialization
server service session set settings severity sh sha shared sharing sheet shell shimmer short should show
shown silent simple since size sketch skippable skipped slot slug slugs snippet source sources spec speech
spinner sports sql square sse stage standard standing start started starters state stats status stderr
stdout ste step steps stop stopped stored stream streaming structure structured study style submitted
subscribe subscription success successfully suggestion suggestions summary supported supporting survey
suspend svg swift symbol system t table tags target task tasks temporarily temporary tether text textdoc
thinking thought thoughts throttled time timed timeout timestamp title tldr to toast token tokens too tool
tools top topic total traceback training transcript transcription transparent treatment trigger triggered
truncate ts turn turns two type typed typescript ui unauthorized unavailable unfinished unit units unknown
unsafe unsubscribe unusual update updated updates upload upstream url urls usage use user using utf ux v
value vanity variant variants verified version video view violation visibility visible visualization
visually vnd voice w wait warning watermarked weather web webp webpage webpages websites websocket
websockets weight welcome widget widgets width with word words work workspace writing ws wss x xml yaml
br dr dragonfruit i jupd k kaur km kz sj t uay
"""
_NAMES: Final = """
async_task_type category channel citation_format_type code content_policy content_type data_type
default_model_slug direction display_treatment edit_op error_code event feature_name finish_reason
icon_type image_gen_mode kind language layout marker message_type model_slug o op p protection_type
real_author reason reasoning_status recipient ref_type resolved_model_slug role severity status
stream_name textdoc_type turn_use_case type update_type visibility
"""
_NUMBERS: Final = """
attributable_index c cited_message_idx clears_in end end_idx end_ix finished_duration_sec fovea height
http_response_status index num_variants_in_stream offset ref_index remaining reset_after search_result_idx
size size_bytes start start_idx start_ix status_code turn_index v weight width
"""

WORDS: Final = frozenset(_WORDS.split())
"""Those that names are made of, languages of code and models among them; the last line of them is for
tools with names that mean nothing (protocol notes, section 20.5)."""
NAMES: Final = frozenset(_NAMES.split())
"""Keys whose values are names; so is `name` in an author."""
NUMBERS: Final = frozenset(_NUMBERS.split())
"""Keys whose numbers are positions, sizes and counts, which the text is made with."""

ARGUMENTS: Final = frozenset(
    (
        "aspect_ratio",
        "category",
        "code",
        "comment",
        "comments",
        "content",
        "layout",
        "multiple",
        "n",
        "name",
        "num_per_query",
        "pattern",
        "prompt",
        "q",
        "query",
        "replacement",
        "selections",
        "size",
        "tags",
        "title",
        "type",
        "updates",
    )
)
"""Keys of JSON inside a text, where a model calls a tool or fills a mark; of its own keys nothing stays."""
LANGUAGES: Final = frozenset(
    (
        "bash",
        "css",
        "go",
        "html",
        "java",
        "javascript",
        "json",
        "markdown",
        "md",
        "output",
        "python",
        "ruby",
        "rust",
        "sh",
        "sql",
        "text",
        "typescript",
        "xml",
        "yaml",
    )
)
"""Of code in a text."""
KINDS_OF_DOCUMENTS: Final = re.compile("document|code/[a-z]{1,20}")
"""What a tool is told to make."""

_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[^\W\d_]+|\d+")


def is_name(text: str) -> bool:
    """Whether `text` is a name of the protocol: known words, short numbers, and what stands between them."""
    if len(text) > 100 or not text.isascii() or " " in text:
        return False
    words: list[str] = _WORD.findall(text)
    return all(len(word) <= 3 if word.isdigit() else word.lower() in WORDS for word in words)
