"""What the backend says of an account without a message: the models that it lists, and the limits.

Neither costs anything, and nothing waits for them but, for a moment, the first request of a key.
"""

from upstream.account.limits import AccountLimits
from upstream.account.model_lists import ModelLists
from upstream.account.reach import Reached, reach

__all__ = ["AccountLimits", "ModelLists", "Reached", "reach"]
