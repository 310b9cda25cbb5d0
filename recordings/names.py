"""Names of the backend's protocol, which a recording keeps: of keys, types, roles, events and the like.

A name is kept if it is made of these words only. So a new name out of known words stays readable, and nothing
that a user or a model said can pass for one at a place where names stand.
"""

import re
from typing import Final

_WORDS: Final = """
a academia account action actions active add admission ads after aggregate all allow allowed alt always
amd analysis and annotations answer api app append archived args artifact ask aspect asset assets
assistant async at attachment attachments attributable attribution audio auth author automations aux
available b background banner bash beacon berry big bio block blocked blocks body browser browsing
businesses busy by bytes c call can cancelled canmore canvas card case catchups categories category chain
channel chat chatgpt children chips chunk chunks citable citation citations cite cited client cloud cmd
code com command comment commentary complete completed completion compliance computer concurrency confirm
confirmation connect connector consumer container content context conversation conversations count cpp
create created css csv current custom d dalle data date davinci debug decoding deep default defined delete
deleted delta denied deny detail details developer diff direction disable disabled disclaimers display doc
document domain done duration e edit editable edited effort email empty encoded encoding end ended ending
endpoint entities entity entries entry error errors event evidence exceeded exception exceptions exchange
exec execution expired expression extended extra failed failure fallback feature features feed feedback
file filecite files fileservice final finance finish finished first flagged followup font forecast format
found fovea free from full g gen general generation genui get ghostrider gizmo gizmos go gpt gpts gpu
graph group grouped handoff has hash header heartbeat height hidden hide hint hints html http hue i icon
id ids idx im image images ims in inaccessible index info initial inline input instant instructions
insufficient intermediate internal interrupted interval invalid invite invocation invoked is item items ix
j java javascript jit jpeg js json jupyter kernel key kickoff kind kotlin label language last latency
latex layout lazy length level library limit limits line link list loading local logical m main mainline
manifest map mapping markdown marker matched math max mclick md me medium memcite memory message messages
meta metadata method mime mini missing mode model models moderation module more ms msearch msg multi
multimodal multiple my myfiles n name names namespace nav navigation navlist new news next no node none
not notes notice notification null num number o oauth object of offset offsets og on op open openai opened
operation option options order orientation origin output overloaded p page params parent part partial
parts patch path pattern payload peek perf php plain plaintext plan plugin png pointer policy poll
position powershell ppl preamble predicted presence preset preview previews pro product products progress
prompt protection protocol provider pub python q qdf queries query queue quota quote r rate ratio reached
real reason reasoning recap recipient recovered recv ref reference referenced references refs regex
remaining remember remote remove render replace replacement reply request required requires research reset
resolved resource response result results resume retrieval retry review revision revoked role root ruby
run running rust s safe safety sandbox scale schedule score search searched sec seconds section sed
sediment seed selection selections send sender sent sequence serialization server service session set
severity sh sha shared sheet shell shimmer should show shown simple since size skipped slot slug slugs
snippet source sources spec speech sports sql sse stage standing start started state stats status stderr
stdout ste step steps stop stopped stream streaming structured style submitted subscribe success
successfully suggestion suggestions summary supporting suspend svg swift symbol system t table tags target
task tasks temporary tether text textdoc thinking thought thoughts throttled time timed timeout timestamp
title tldr to toast token tokens too tool tools top topic total traceback transcript transcription
transparent treatment trigger triggered truncate ts turn turns two type typed typescript ui unavailable
unfinished unit units unknown unsafe unsubscribe unusual update updated updates upload upstream url urls
usage use user utf ux v value variant variants version video view violation visibility visible
visualization visually vnd voice w wait warning watermarked weather web webp webpage webpages websites
websocket websockets weight widget widgets width with word words work workspace writing ws wss x xml yaml
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
"""Those that names are made of, those of languages of code and of models among them."""
NAMES: Final = frozenset(_NAMES.split())
"""Keys whose values are names; so is `name` in an author."""
NUMBERS: Final = frozenset(_NUMBERS.split())
"""Keys whose numbers are positions, sizes and counts, which the text is made with."""

_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[^\W\d_]+|\d+")


def is_name(text: str) -> bool:
    """Whether `text` is a name of the protocol: known words, short numbers, and what stands between them."""
    if len(text) > 100 or not text.isascii() or " " in text:
        return False
    words: list[str] = _WORD.findall(text)
    return all(len(word) <= 3 if word.isdigit() else word.lower() in WORDS for word in words)
