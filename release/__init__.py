"""What a release is made of: `python -m release` builds it, `python -m release.notes` tells what is new.

No part of the service. The same commit gives the same bytes, whoever builds it and wherever; the tools come
from `requirements-dev.lock`.
"""
