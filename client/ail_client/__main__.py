"""`python -m ail_client` is `ail-client`."""

import sys

from .cli import main

sys.exit(main())
