"""Whether an answer is what it has to be: the contract's decisions, and what becomes of them."""

from translate.backend import TurnFacts
from translate.text import Renderer
from translate.values import ApiError, Contract, Kept, Unkept


class Keeping:
    """Decides about the answer of one turn; without a contract there is nothing to decide.

    What is kept is shown by `renderer`, and `facts` learn that tools are called.
    """

    __slots__ = ("_contract", "_facts", "_renderer", "_unkept", "called", "closed", "decided")

    def __init__(self, contract: Contract | None, renderer: Renderer, facts: TurnFacts) -> None:
        self._contract = contract
        self._renderer = renderer
        self._facts = facts
        self._unkept = False  # the last exchange has not given what it has to keep to
        self.decided = contract is None
        """Nothing is to be decided any more."""
        self.closed = False
        """Nothing may be added to the answer."""
        self.called = ""
        """What the calls of tools say."""

    def begin(self) -> None:
        """Another exchange of the turn begins."""
        self._unkept = False

    def decide(self, *, cut: bool = False) -> str:
        """The exchange has ended well; see `Contract` for `cut`. Return what the backend is to be asked if
        the answer is not what it has to be; empty if nothing is.
        """
        if self._contract is None or self.decided:
            return ""
        verdict = self._contract.conclude(cut=cut)
        self._unkept = isinstance(verdict, Unkept)
        if isinstance(verdict, Unkept):
            return verdict.question
        self._keep(verdict)
        return ""

    def decide_at_last(self) -> ApiError | None:
        """Nothing more is asked: decide what is not decided yet. The failure if there is no answer."""
        contract = self._contract
        if contract is None or self.decided:
            return None
        if not self._unkept:
            self.decide(cut=self._facts.finish_reason == "length")
        if self.decided:
            return None
        given_up = contract.give_up()
        if isinstance(given_up, ApiError):
            return given_up
        self._keep(given_up)
        return None

    def do_without(self) -> bool:
        """The question that `decide` gave was not taken: whether the answer is good enough without."""
        if self._contract is None or self.decided or isinstance(self._contract.give_up(), ApiError):
            return False
        self._unkept = True
        return True

    def _keep(self, kept: Kept) -> None:
        self.decided, self.closed = True, kept.closed
        self._renderer.keep(kept)
        if kept.calls:
            self.called = "".join(f"{call.name}{call.arguments}" for call in kept.calls)
            self._facts.finish_reason = "tool_calls"
