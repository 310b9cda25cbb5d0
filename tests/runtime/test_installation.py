"""What people are told to type is what their installation has."""

from runtime import COMMAND, PACKAGED, PROGRAM


def test_checkout_is_run_by_its_file() -> None:
    """tests/deploy/test_package.py has the installed package."""
    assert not PACKAGED
    assert (PROGRAM, COMMAND) == ("server.py", "python server.py")
