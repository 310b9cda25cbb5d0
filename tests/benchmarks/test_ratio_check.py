"""The check of the ratio that must not be exceeded."""

from benchmarks.ratio_check import lowest


def test_one_good_ratio_is_enough_and_no_more_are_measured() -> None:
    ratios = iter([0.9, 0.7, 0.55, 0.1])
    assert lowest(ratios, 0.6) == 0.55
    assert list(ratios) == [0.1]


def test_ratios_that_are_all_too_high_stay_so() -> None:
    assert lowest([0.9, 0.65, 0.8], 0.6) == 0.65
