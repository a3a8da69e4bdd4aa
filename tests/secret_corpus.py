"""Secrets as they stand in code, one of each form, none of them anybody's. Put together at run time: a scanner that reads this
file must not take them for leaks.
"""

from __future__ import annotations

import base64
import random

_DICE = random.Random(7)
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def _make(length: int, letters: str = _LETTERS) -> str:
    return "7" + "".join(_DICE.choices(letters, k=length - 2)) + "q"


def _encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_KEY = [_make(64) for _ in range(4)]
_LAST = _make(20)  # the last line of a key is a short one
_CLAIMS = _encode('{"sub":"7"}')
_SIGNATURE = _make(24)

SECRETS: dict[str, tuple[str, tuple[str, ...]]] = {
    "AWS access key": ("aws_id = '{0}'", ("AKIA" + _make(16, _UPPER).upper(),)),
    "AWS secret key": ("aws_secret_access_key = {0}", (_make(40, _LETTERS + "+/"),)),
    "GitHub, classic": ("curl -H 'Authorization: token {0}'", ("gh" + "p_" + _make(36),)),
    "GitHub, fine-grained": ("GH={0}", ("github_" + "pat_" + _make(22) + "_" + _make(59),)),
    "GitHub, server": ("{0}", ("gh" + "s_" + _make(36),)),
    "GitLab": ("git clone https://oauth2:{0}@gitlab.example.org/x.git", ("gl" + "pat-" + _make(20),)),
    "Slack, bot": ("SLACK = '{0}'", ("xo" + "xb-123456789012-1234567890123-" + _make(24),)),
    "Slack, user": ("{0}", ("xo" + "xp-1234-5678-" + _make(12),)),
    "Stripe": ("stripe.api_key = '{0}'", ("sk_" + "live_" + _make(24),)),
    "Google API": ("maps?key={0}", ("AI" + "za" + _make(35),)),
    "RSA private key": (
        "-----BEGIN RSA PRIVATE KEY-----\n{0}\n{1}\n{2}\n-----END RSA PRIVATE KEY-----",
        (_KEY[0], _KEY[1], _LAST),
    ),
    "OpenSSH private key": ("-----BEGIN OPENSSH PRIVATE KEY-----\n{0}\n{1}\n", (_KEY[2], _KEY[3][:18])),
    "JWT": ("Bearer {0}", (_encode('{"alg":"HS256"}') + "." + _CLAIMS + "." + _SIGNATURE,)),
    "npm": ("//registry.npmjs.org/:_authToken={0}", ("npm" + "_" + _make(36),)),
    "PyPI": ("password = {0}", ("pypi-" + "AgEIcHlwaS5vcmc" + _make(60),)),
    "URL with a password": ("postgres://ledger:{0}@db.example.org/x", ("7unt3r" + "two!",)),
    "URL with a short token": ("https://{0}:x-oauth-basic@example.org", (_make(14),)),
    "password in code": ('password = "{0}"', (_make(12) + "!",)),
    "secret in JSON": ('"client_secret": "{0}",', (_make(20),)),
    "password in YAML": ("db_password: {0}", (_make(16),)),
    "token in a shell": ("export API_TOKEN={0}", (_make(18),)),
    "key in a mapping": ("headers['X-Api-Key'] = '{0}'", (_make(16),)),
    "SendGrid": ("{0}", ("SG." + _make(22) + "." + _make(43),)),
    "hex digest as a key": ("SECRET_KEY = '{0}'", (_make(48, "0123456789abcdef"),)),
}
"""By name: a line of code, and the secrets in it, in order. None of the secrets may be kept, nor anything of them."""

HARMLESS = (
    'password = "changeme"', "def test_a_very_long_name_of_a_function_without_digits() -> None:", "token = get_token(request)",
    "api_key: str | None = None", "https://example.org/path/to:thing", "raise ValueError('no password given')",
    "from __future__ import annotations", "MAX_TOKENS = 4096", "class TokenBucketRateLimiter(Limiter):",
    "https://docs.microsoft.com/en-us/windows/win32/FileIO/naming-a-file#maximum-path-length-limitation",
    "`#517 <https://github.com/pytest-dev/pytest/issues/517>`__", "lib/sqlalchemy/dialects/postgresql/psycopg2.py",
    "def test_issue_1234_collects_from_package_on_windows() -> None:", "AIL_TEST_LIMIT_OF_OPEN_CONNECTIONS_IN_2038",
)  # fmt: skip
"""What only looks like one at a glance, and tells what changed."""


def find_kept(data: bytes) -> list[str]:
    """Return the names of the secrets of which any ten characters in a row stand in *data*, in whatever case."""
    low = data.lower()
    return [name for name, (_, secrets) in SECRETS.items() if any(piece in low for piece in _cut(secrets))]


def _cut(secrets: tuple[str, ...]) -> set[bytes]:
    """Return every ten characters of *secrets* in a row, without what they begin with, which is public."""
    tails = [secret.lower().encode() for secret in secrets]
    return {tail[at : at + 10] for tail in tails for at in range(min(12, len(tail) - 10), len(tail) - 9)}


def write_line(name: str) -> str:
    """Return the line of code with its secrets."""
    line, secrets = SECRETS[name]
    return line.format(*secrets)
