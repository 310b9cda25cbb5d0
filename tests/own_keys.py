"""Callers who bring a key of the backend's own, as seen by what lends credentials and slots."""

from accounts import AccountQueue, Admission, Caller, Credential, OnJoined, Slot


class OwnKeys:
    """A `Lender` that lends each caller its own key."""

    def credential(self, caller: Caller) -> Credential:
        return caller.own

    def credentials(self, caller: Caller) -> tuple[Credential, ...]:
        return (caller.own,)


def own_slot(queue: AccountQueue, key: str) -> Slot:
    """A slot for one turn with this key; acquire it, and release it in any case."""
    credential = Caller(key).own

    async def admit(on_joined: OnJoined) -> Admission:
        return await queue.admit(credential.digest, credential, on_joined, queue.slots_of(credential))

    return Slot(admit, queue.release)
