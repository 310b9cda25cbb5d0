"""GPTs of the backend: their descriptions, which a conversation with a GPT must carry along.

`GptDescriptions` fetches, keeps and refreshes them; a `GptDescriptionStore` has them on disk. `GptSearch`
searches the store.
"""

from upstream.gpts.descriptions import GptDescriptions
from upstream.gpts.errors import GptUnavailable
from upstream.gpts.search import GptSearch
from upstream.gpts.store import GptDescriptionStore

__all__ = ["GptDescriptionStore", "GptDescriptions", "GptSearch", "GptUnavailable"]
