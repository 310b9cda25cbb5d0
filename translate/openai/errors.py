"""Errors as OpenAI writes them: the envelope in a response body or in an event of a stream."""

from translate.values import ApiError, json_bytes


def envelope(error: ApiError) -> bytes:
    """`{"error": {"message", "type", "param", "code"}}` as JSON in ASCII, always with all four keys."""
    fields = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
    return json_bytes({"error": fields})
