"""`python -m bsg_cli`: the same as `bsg-campaigns`."""

import sys

from bsg_cli.main import main

sys.exit(main())
