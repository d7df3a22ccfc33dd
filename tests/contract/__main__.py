"""`make contract`: the sandbox against BSG's OpenAPI document, where there is one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.contract.document import missing_document


def main(argv: Sequence[str]) -> int:
    """Return 0 when the sandbox keeps the document, or when there is none."""
    missing = missing_document()
    if missing is not None:
        print(f"make contract: {missing}")
        return 0
    return int(pytest.main([str(Path(__file__).parent), *argv]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
