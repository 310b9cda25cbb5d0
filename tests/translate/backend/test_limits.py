"""The backend's own limits, as its records tell them."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.backend import read_limits
from translate.backend.limits import MAX_LIMITS
from translate.values import BackendLimits, FeatureLimit, ModelLimit

RECORD = json.loads("""
{"type": "conversation_detail_metadata", "banner_info": null, "default_model_slug": "gpt-5-6",
 "blocked_features": [{"name": "image_gen", "resets_after": "2026-11-27T00:00:00+00:00",
    "block_reason": "rate_limit", "description": "..."}],
 "model_limits": [{"model_slug": "gpt-5-6", "using_default_model_slug": "gpt-5-6-mini",
    "resets_after": "2026-11-26T20:00:00+00:00"}],
 "limits_progress": [
    {"feature_name": "deep_research", "remaining": 25, "reset_after": "2026-12-20T00:00:00Z"},
    {"feature_name": "image_gen", "remaining": 118, "reset_after": "2026-12-20T00:00:00Z"}]}
""")


def at(year: int, month: int, day: int, hour: int = 0) -> float:
    return datetime(year, month, day, hour, tzinfo=UTC).timestamp()


def test_record_of_today_is_read() -> None:
    assert read_limits(RECORD) == BackendLimits(
        (ModelLimit("gpt-5-6", "gpt-5-6-mini", at(2026, 11, 26, 20)),),
        (
            FeatureLimit("image_gen", 118, True, at(2026, 11, 27)),
            FeatureLimit("deep_research", 25, False, at(2026, 12, 20)),
        ),
    )


def test_feature_is_used_up_if_it_is_blocked_or_none_is_left() -> None:
    limits = read_limits(
        {
            "blocked_features": [{"name": "a"}],
            "limits_progress": [
                {"feature_name": "b", "remaining": 0},
                {"feature_name": "c", "remaining": 1},
            ],
        }
    )
    assert limits is not None
    assert [(limit.feature, limit.used_up) for limit in limits.features] == [
        ("a", True),
        ("b", True),
        ("c", False),
    ]


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"type": "conversation_detail_metadata"},
        {"model_limits": None, "limits_progress": {}},
        {"blocked_features": [], "limits_progress": []},
    ],
)
def test_record_without_any_list_tells_nothing(record: dict[str, object]) -> None:
    assert read_limits(record) is None


def test_empty_lists_tell_that_nothing_is_limited() -> None:
    assert read_limits({"model_limits": []}) == BackendLimits()


@pytest.mark.parametrize("remaining", [-1, True, 1.5, "3", None, 10**12])
def test_count_that_is_none_is_left_out(remaining: object) -> None:
    limits = read_limits({"limits_progress": [{"feature_name": "a", "remaining": remaining}]})
    assert limits == BackendLimits()


@pytest.mark.parametrize("name", ["", "a b", None, 3, "x" * 65, "a\nb"])
def test_name_that_is_none_is_left_out(name: object) -> None:
    record: dict[str, object] = {
        "blocked_features": [{"name": name}],
        "model_limits": [{"model_slug": name}],
        "limits_progress": [{"feature_name": name, "remaining": 1}],
    }
    assert read_limits(record) == BackendLimits()
    replaced = read_limits({"model_limits": [{"model_slug": "a", "using_default_model_slug": name}]})
    assert replaced == BackendLimits((ModelLimit("a", "", 0.0),))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2026-13-01T00:00:00Z",
        "2026-11-27T00:00:00",
        "2026-11-27",
        "1969-01-01T00:00:00Z",
        "2026-11-27T24:00:00Z",
        "２０２６-11-27T00:00:00Z",
        None,
        5,
    ],
)
def test_time_that_is_none_is_not_told(text: object) -> None:
    limits = read_limits({"model_limits": [{"model_slug": "a", "resets_after": text}]})
    assert limits == BackendLimits((ModelLimit("a", "", 0.0),))


@given(
    st.datetimes(min_value=datetime(1970, 1, 3), max_value=datetime(2200, 1, 1)),
    st.integers(-14 * 60, 14 * 60),
)
def test_times_of_any_zone_are_read_to_the_second(moment: datetime, minutes: int) -> None:
    moment = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    limits = read_limits({"model_limits": [{"model_slug": "a", "resets_after": moment.isoformat()}]})
    assert limits is not None
    assert limits.models[0].resets_at == moment.replace(microsecond=0).timestamp()


def test_what_is_kept_is_bounded() -> None:
    many = [
        {"name": f"f{n}", "feature_name": f"g{n}", "model_slug": f"m{n}", "remaining": 1} for n in range(999)
    ]
    limits = read_limits({"blocked_features": many, "limits_progress": many, "model_limits": many})
    assert limits is not None
    assert len(limits.models) == len(limits.features) == MAX_LIMITS
