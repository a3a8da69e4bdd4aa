"""`python -m ail_client` is `ail-client`."""

from .cli import run

run()
