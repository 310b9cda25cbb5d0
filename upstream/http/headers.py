"""Headers of the backend's own that more than one room needs (protocol notes, section 20)."""

from typing import Final

CONDUIT: Final = "X-Conduit-Token"
"""Goes along with what belongs to a turn that the backend gave a token for; the token is a secret."""
