"""Signs a manifest, and checks who signed one: by `ssh-keygen -Y`, which comes with OpenSSH 8.2 or newer."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ail_rpc.errors import NotInstalledError, UsageError

from ..settings import get_child_environment
from .manifest import BundleError

NAMESPACE = "ail-bundle"
"""What a signature is for: one made for git commits or files is no signature of a bundle."""

SIGNATURE_MAX_BYTES = 16 << 10
_LIMIT_S = 30.0
_ASK_THEM = "have it signed by one of AIL_BUNDLE_SIGNERS"


def sign(content: bytes, key: Path) -> bytes:
    """Return the signature of *content* by the private *key*. Raises UsageError where ssh-keygen cannot make one."""
    done = _run(["-Y", "sign", "-f", str(key), "-n", NAMESPACE], content)
    if done.returncode or not done.stdout:
        raise UsageError(f"the bundle could not be signed with {key}: {_last_line(done.stderr)}", "name an SSH key")
    return done.stdout


def check_signature(content: bytes, signature: Path, signers: Path) -> str:
    """Return the one of the allowed *signers* who signed *content*. Raises BundleError where none of them did."""
    if not signers.is_file():
        raise BundleError(f"AIL_BUNDLE_SIGNERS names {signers}, which is no file", "write the allowed signers there")
    if not signature.is_file():
        raise BundleError("it is not signed, and AIL_BUNDLE_SIGNERS asks for that", _ASK_THEM)
    found = _run(["-Y", "find-principals", "-f", str(signers), "-s", str(signature)], b"")
    for name in found.stdout.decode("utf-8", "replace").splitlines() if not found.returncode else ():
        verify = ["-Y", "verify", "-f", str(signers), "-I", name, "-n", NAMESPACE, "-s", str(signature)]
        if _run(verify, content).returncode == 0:
            return name
    raise BundleError("its signature is not by an allowed signer, or not of this manifest", _ASK_THEM)


def _run(arguments: list[str], stdin: bytes) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["ssh-keygen", *arguments], input=stdin, capture_output=True, check=False, timeout=_LIMIT_S, cwd="/",
            env=get_child_environment(),
        )  # fmt: skip
    except FileNotFoundError as err:
        raise NotInstalledError("ssh-keygen is not on PATH", "install OpenSSH's client, 8.2 or newer") from err
    except subprocess.TimeoutExpired as err:
        raise BundleError(
            f"ssh-keygen did not end within {_LIMIT_S:g} s", "does it wait for a key's password?"
        ) from err


def _last_line(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:200] if lines else "ssh-keygen gave no reason"
