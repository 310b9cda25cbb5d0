"""`docs/models.md` has the models with their names and units."""

import re

from tests.docs.pages import MODELS
from translate.values import BUILT_IN


def test_models_stand_there_with_their_slugs_and_units() -> None:
    for model in BUILT_IN:
        row = re.search(rf"^\| `{re.escape(model.name)}` \| `(.*)` \| (\d+) \|", MODELS, re.MULTILINE)
        assert row is not None, model.name
        assert (row[1], int(row[2])) == (model.slug, model.units)
