"""The table of faults in docs/errors.md is the one that the matrix runs."""

from collections import Counter

from tests.faults.cells import cells_of
from tests.faults.document import DOCUMENT, parts, table
from tests.faults.table import FAULTS


def test_table_in_the_document_is_that_of_the_matrix() -> None:
    """`python -m tests.faults` writes it anew."""
    assert parts(DOCUMENT.read_text(encoding="utf-8"))[1].strip() == table().strip()


def test_each_fault_has_a_name_of_its_own_in_its_phase() -> None:
    names = Counter((fault.phase, fault.name) for fault in FAULTS)
    assert [name for name, count in names.items() if count > 1] == []


def test_each_fault_is_met_by_streams_and_by_whole_answers_where_both_can_be() -> None:
    for fault in FAULTS:
        forms = {cell.shape.stream for cell in cells_of(fault)}
        assert forms == {True, False}, fault.name
