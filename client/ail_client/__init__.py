"""The thin client of AIL's daemon: one request, one reply, exit. For Python: `ArchaeologyContextProvider`.

The Python API is imported on first use: it would cost `ail-client` 40 ms for asyncio and dataclasses.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .contexts import ArchaeologyContext, Citation
    from .provider import ArchaeologyContextProvider, ask_all

__all__ = ["ArchaeologyContext", "ArchaeologyContextProvider", "Citation", "ask_all"]


def __getattr__(name: str) -> object:
    """Import a name of `__all__` (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import contexts, provider

    return getattr(provider if name in ("ArchaeologyContextProvider", "ask_all") else contexts, name)
