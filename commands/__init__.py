"""The command line, and the commands that do not serve: one module for each."""

from commands.command_line import read_command_line

__all__ = ["read_command_line"]
