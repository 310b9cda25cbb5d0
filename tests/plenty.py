"""Room for more bytes than a test needs."""

from runtime import ByteBudget, HeldBytes


def plenty() -> ByteBudget:
    """A budget that is never used up."""
    return ByteBudget(1 << 40)


def held() -> HeldBytes:
    """What one holder has of it: nothing yet."""
    return plenty().hold()
