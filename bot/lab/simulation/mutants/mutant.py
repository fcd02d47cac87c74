"""What a mutant is: one text of one module replaced by another; the list is read from text."""

from pathlib import Path
from typing import Final

import msgspec

HEAD: Final = "=== "
BETWEEN: Final = "\n--- becomes\n"
LISTS: Final = ("shell.txt", "kernel.txt")
"""One list for the shell, one for the kernel; a mutant is "=== NAME in MODULE by WORLDS", the text
as it stands in the source, "--- becomes", and what takes its place. WORLDS are the rows, with
commas, that notice it at once; "ROW without kernel" is one in which coverage must do alone."""


class Mutant(msgspec.Struct, frozen=True):
    """`old` stands exactly once in the source of `module`; `new` takes its place."""

    name: str
    module: str
    old: str
    new: str
    worlds: tuple[str, ...] = ()
    """Where it is hunted first."""


def read_mutants() -> tuple[Mutant, ...]:
    """Return every mutant of the lists, in their order."""
    here = Path(__file__).parent
    text = "\n".join((here / name).read_text(encoding="utf-8") for name in LISTS)
    return tuple(_one(part) for part in text.split(HEAD)[1:])


def _one(part: str) -> Mutant:
    head, _, body = part.partition("\n")
    name, _, place = head.partition(" in ")
    module, _, worlds = place.partition(" by ")
    old, _, new = body.partition(BETWEEN)
    return Mutant(
        name=name,
        module=module.strip(),
        old=old,
        new=new.rstrip("\n") + ("\n" if old.endswith("\n") else ""),
        worlds=tuple(world.strip() for world in worlds.split(",") if world.strip()),
    )
