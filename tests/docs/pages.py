"""The documents for users and operators, as text."""

from tests.source_tree import ROOT


def page(path: str) -> str:
    """The text of a document, by its path in the repository."""
    return (ROOT / path).read_text("utf-8")


README = page("README.md")
SETTINGS = page("docs/settings.md")
MODELS = page("docs/models.md")
API = page("docs/api.md")
ERRORS = page("docs/errors.md")
MONITORING = page("docs/monitoring.md")
RUNNING = page("docs/running.md")
GUIDES = {
    f"docs/{name}.md": page(f"docs/{name}.md")
    for name in (
        "answers", "api", "backend", "console", "errors", "models", "monitoring", "operations", "quota",
        "running", "settings",
    )
} | {"README.md": README}  # fmt: skip
"""The README and what it hands its subjects to, by their paths."""
