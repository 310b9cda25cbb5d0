"""The command line: options, commands, help."""

import argparse

from commands import check, explain, import_config, keys, ledger, usage
from runtime import PROGRAM
from settings import Settings


def read_command_line(version: str) -> argparse.Namespace:
    """What was asked for. Ends the process, as `argparse` does, for a mistake, `--help` and `--version`.

    `run` is the command, which takes this namespace and the environment and gives the exit code; None to
    serve. `demo` says whether the simulator takes the place of the backend.
    """
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="An OpenAI-compatible API over a ChatGPT-web backend.",
        epilog="Settings (environment variables):\n" + Settings.help(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=f"pandora-to-v1 {version}", help="print the version, and exit"
    )
    parser.add_argument("--demo", action="store_true", help="use the built-in simulator as the backend")
    parser.add_argument(
        "--check", action="store_true", help="print the settings, try to reach the backend, and exit"
    )
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(
        title="commands", metavar="[usage | ledger | explain | keys | import-config]"
    )
    usage.add_to(commands.add_parser("usage", help="print what was spent by day, model and key, and exit"))
    ledger.add_to(
        commands.add_parser("ledger", help="back up the ledger, bring a backup back or check it, and exit")
    )
    explain.add_to(commands.add_parser("explain", help="print what is made of a recorded turn, and exit"))
    keys.add_to(commands.add_parser("keys", help="make, list or revoke keys of this service, and exit"))
    import_config.add_to(
        commands.add_parser(
            "import-config", help="print settings of PandoraToV1Api as settings of this service"
        )
    )
    arguments = parser.parse_args()
    if arguments.check:
        if arguments.demo or arguments.run is not None:
            parser.error("--check stands alone: without --demo and without a command")
        arguments.run = check.run
    return arguments
