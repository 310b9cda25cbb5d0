"""What the backend says of an account's limits, beside what this service counts itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelLimit:
    """The account has used up a model. Until `resets_at` (Unix seconds; 0 if it is not said) the backend
    answers with the model `replaced_by`; that is empty if it is not said.
    """

    slug: str
    replaced_by: str
    resets_at: float


@dataclass(frozen=True, slots=True)
class FeatureLimit:
    """What is left of a feature such as `image_gen`.

    `remaining` is how many uses are left; None if the backend has no count. With `blocked` it refuses them
    whatever the count. Both hold until `resets_at`, in Unix seconds; 0 if it is not said.
    """

    feature: str
    remaining: int | None
    blocked: bool
    resets_at: float

    @property
    def used_up(self) -> bool:
        """The backend would refuse another use."""
        return self.blocked or self.remaining == 0


@dataclass(frozen=True, slots=True)
class BackendLimits:
    """The limits of one account (protocol notes, section 4.7). There is no count of messages."""

    models: tuple[ModelLimit, ...] = ()
    features: tuple[FeatureLimit, ...] = ()
