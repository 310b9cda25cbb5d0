"""The command line, and the commands that do not serve: one module for each."""

from commands.command_line import read_command_line
from commands.program import program_name

__all__ = ["program_name", "read_command_line"]
