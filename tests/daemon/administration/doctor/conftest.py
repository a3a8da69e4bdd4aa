"""A home with the model, one without, and a repository."""

from tests.integration.conftest import bare_home, home, models, repo  # noqa: F401 - fixtures
