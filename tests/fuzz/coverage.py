"""Fuzzes one parser, guided by the branches that inputs take: `python -m tests.fuzz.coverage TARGET FOLDER`.

Arguments behind the folder are those of libFuzzer. Half of the inputs are made with what is known of their
form, as in the tests without coverage; the other half is libFuzzer's own.
"""

import random
import sys
from pathlib import Path

import atheris


def main() -> None:
    """Does not return: libFuzzer ends the process, with another status than 0 if it found something."""
    name, folder, *options = sys.argv[1:]
    with atheris.instrument_imports(include=["translate", "transport", "upstream"]):
        from tests.fuzz.targets import TARGETS
    target, corpus = TARGETS[name], Path(folder)
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        rng = random.Random(seed)
        mutated: bytes = target.damaged(rng, data) if rng.random() < 0.5 else atheris.Mutate(data, max_size)
        return mutated[:max_size]

    atheris.Setup([sys.argv[0], folder, *options], target.check, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
