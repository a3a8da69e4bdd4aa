"""Words that turn a question round, and plain nouns to put in the place of one another.

Plain data: no code that builds or measures anything belongs here.
"""

from __future__ import annotations

PAIRS = """
add remove / added removed / adds removes / adding removing / enable disable / enabled disabled / enables disables
enabling disabling / before after / start stop / starts stops / started stopped / starting stopping / open close
opens closes / opened closed / opening closing / read write / reads writes / reading writing / reader writer
allow forbid / allows forbids / allowed forbidden / allowing forbidding / accept reject / accepts rejects
accepted rejected / accepting rejecting / include exclude / includes excludes / included excluded / including excluding
show hide / shows hides / shown hidden / client server / clients servers / request response / requests responses
first last / always never / old new / older newer / oldest newest / send receive / sends receives / sent received
sending receiving / sender receiver / encode decode / encodes decodes / encoded decoded / encoding decoding
encoder decoder / public private / input output / inputs outputs / increase decrease / increases decreases
increased decreased / minimum maximum / min max / import export / imports exports / connect disconnect
connected disconnected / connecting disconnecting / lock unlock / locked unlocked / load save / loads saves
loaded saved / loading saving / create delete / creates deletes / created deleted / creating deleting / merge split
merged split / optional required / success failure / pass fail / passes fails / passed failed / passing failing
true false / left right / parent child / upper lower / more fewer / internal external / fast slow / faster slower
early late / earlier later / push pull / install uninstall / installed uninstalled / ignore respect / ignores respects
ignored respected / ignoring respecting / keep drop / keeps drops / kept dropped / keeping dropping / get set
gets sets / sync async / http https / ipv4 ipv6 / local remote / global local / source target / begin end / head tail
simplify complicate / simplified complicated / raise swallow / raises swallows / raised swallowed / raising swallowing
with without / inside outside / explicit implicit / explicitly implicitly / strict lenient / valid invalid
compress decompress / compressed uncompressed / buffered unbuffered / sorted unsorted / safe unsafe / same different
support refuse / supports refuses / supported refused / supporting refusing / prefer avoid / prefers avoids
deprecate undeprecate / deprecated supported / missing present / upgrade downgrade / upgraded downgraded / up down
expand shrink / improve worsen / improves worsens / improved worsened / fix break / fixes breaks / fixed broke
fixing breaking / introduce retire / introduced retired / mutable immutable / mandatory optional / empty full
"""

NOUNS = """
bytes strings lists tuples sets dicts files sockets threads workers tasks callbacks coroutines handlers signals cookies
headers payloads forms timeouts limits caches queues streams buffers warnings errors logs tests docs types
"""


def both_ways() -> dict[str, str]:
    """Return every word with its opposite; of a word with two opposites the first counts."""
    found: dict[str, str] = {}
    for pair in PAIRS.replace("\n", " / ").split(" / "):
        match pair.split():
            case [one, other]:
                found.setdefault(one, other)
                found.setdefault(other, one)
    return found
