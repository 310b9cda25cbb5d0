"""The flight recorder: streams that went wrong, kept without what was said in them, and explained."""

from recordings.explain import explain
from recordings.recorder import Recorder, Recording, RecordingFile
from recordings.turn import NotARecording, RecordedTurn

__all__ = ["NotARecording", "RecordedTurn", "Recorder", "Recording", "RecordingFile", "explain"]
