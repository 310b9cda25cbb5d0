"""What a turn of 2026 has beside its messages: ids, the model that answers, what comes after its stream."""

from dataclasses import dataclass, field

from simulator.knobs import Knobs
from simulator.messages import JsonObject, new_id
from simulator.models_2026 import DEFAULT_MODEL, answering_model, check_effort, is_pro, thinks
from simulator.request import ConversationRequest
from simulator.turn_steps import TurnStep


@dataclass(frozen=True, slots=True)
class LaterStep:
    """A change that comes `delay` seconds after the one before, or after the stream's end.

    `update` is the `update_type` under which the user's socket tells of it (protocol notes, section 20.6).
    """

    delay: float
    step: TurnStep
    update: str = "async-task-update-message"


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One turn as `server_ste_metadata` describes it (protocol notes, section 20.2).

    `token` resumes the turn. `model` answers, whatever was asked for. `later` are the changes after the
    stream, `task_id` is that of the task which makes them.
    """

    id: str
    token: str
    asked: str
    model: str
    effort: str | None
    later: list[LaterStep] = field(default_factory=list)
    task_id: str | None = None
    use_case: str = "text"
    tool_name: str | None = None

    @classmethod
    def begin(cls, request: ConversationRequest, knobs: Knobs) -> "Exchange":
        """That of a request. Raises Refused: 404 for a model that is not listed, 422 for a wrong effort."""
        refuses = knobs.unlisted == "refuse"
        model = answering_model(request.model, request.system_hints, refuses_unlisted=refuses)
        check_effort(request.thinking_effort, model)
        model = knobs.answers_as or model
        return cls(
            id=new_id(),
            token=f"eyJ-sim.{new_id()}",
            asked=request.model,
            model=model,
            effort=request.thinking_effort,
        )

    @property
    def thinks(self) -> bool:
        """Whether the model thinks before it answers."""
        return thinks(self.model)

    @property
    def is_pro(self) -> bool:
        """Whether the model answers in pro mode."""
        return is_pro(self.model)

    @property
    def topic_id(self) -> str:
        """The topic of the user's socket on which the turn goes on."""
        return f"conversation-turn-{self.id}"

    def message_metadata(self) -> JsonObject:
        """What each generated message says of the turn."""
        effort = {"thinking_effort": self.effort} if self.effort else {}
        return {
            "model_slug": self.model,
            "resolved_model_slug": self.model,
            "default_model_slug": DEFAULT_MODEL,
            "request_id": f"req-{self.id}",
            "turn_exchange_id": self.id,
            **effort,
        }

    def ste_metadata(self) -> JsonObject:
        """The `metadata` of the record `server_ste_metadata`."""
        return {
            "model_slug": self.asked,
            "resolved_model_slug": self.model,
            "plan_type": "plus",
            "turn_use_case": self.use_case,
            "tool_invoked": self.tool_name is not None,
            "tool_name": self.tool_name,
            "turn_exchange_id": self.id,
            "request_id": f"req-{self.id}",
            "did_auto_switch_to_reasoning": False,
            "resume_with_websockets": True,
            "fast_convo": False,
        }
