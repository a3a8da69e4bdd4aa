"""The thin client of AIL's daemon: one request, one reply, exit. For Python: `ArchaeologyContextProvider`.

What Python programs use is imported when it is first named: `ail-client` itself has no 40 ms for asyncio and dataclasses.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .contexts import ArchaeologyContext, Citation
    from .provider import ArchaeologyContextProvider

__all__ = ["ArchaeologyContext", "ArchaeologyContextProvider", "Citation"]


def __getattr__(name: str) -> object:
    """Import what is named in `__all__` (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import contexts, provider

    return getattr(provider if name == "ArchaeologyContextProvider" else contexts, name)
