"""What lies in the drop-in folder, read without a daemon."""

from bot.app.cli.home import open_home
from bot.app.cli.output import Document


def checked() -> Document:
    """Return what lies in the drop-in folder: events it would tell, and every bad row."""
    from bot.app.clock import SystemClock
    from bot.app.wiring.sources import drop_folder
    from bot.sources.drop import DropFolder
    from bot.sources.open import drop_kinds

    home = open_home()
    folder = drop_folder(home.settings, home.places)
    kinds = drop_kinds(home.settings.risk.symbols)
    found = DropFolder(folder, kinds, SystemClock(), every_s=1.0).read()
    troubles = [line for line in found.trouble.split("; ") if line]
    return {
        "folder": str(folder),
        "files": sorted(path.name for path in folder.glob("*.csv")) if folder.is_dir() else [],
        "known": sorted(kinds),
        "told": len(found.events),
        "faults": [*troubles, *found.faults],
        "sound": not troubles and not found.faults,
    }
