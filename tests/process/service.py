"""The service under a real systemd: `./run campaign service` (root, Linux, systemd; a minute).

systemd is booted in namespaces of its own on a copy of this machine in memory. There the service is
installed as docs/upgrade.md tells, a position is opened by hand, the daemon is stopped dead and
killed, and the service renewed and removed; then the same for the service of one account
(`--user`), under a manager of its own. Prints what was seen; 2 where systemd cannot be booted.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 600.0
NEEDED = ("unshare", "ip", "pivot_root", "mount")
SYSTEMD = Path("/lib/systemd/systemd")
LEFT_OUT = shutil.ignore_patterns(".*", "state", "logs", "__pycache__", "reports")


def why_not() -> str:
    """Return why systemd cannot be booted here; empty when it can be tried."""
    if os.geteuid() != 0:
        return "only root may make the namespaces"
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        return f"missing: {', '.join(missing)}"
    if not SYSTEMD.exists():
        return "no systemd on this machine"
    if not _python().exists():
        return f"no {_python()}: a service cannot see a Python that lies in a home"
    return "" if _unified() is not None else "no cgroup v2 that can be written"


def _python() -> Path:
    return Path("/usr/bin") / f"python{sys.version_info.major}.{sys.version_info.minor}"


def _unified() -> Path | None:
    for path in (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified")):
        if (path / "cgroup.procs").exists() and (path / "cgroup.controllers").exists():
            return path if os.access(path, os.W_OK) else None
    return None


@contextmanager
def own_cgroup() -> Iterator[Path]:
    """A cgroup that systemd takes for the root of all."""
    root = _unified()
    assert root is not None
    path = root / f"breakwater-trial-{os.getpid()}"
    path.mkdir()
    try:
        yield path
    finally:
        for below in sorted(path.rglob("*/"), reverse=True):
            if below.is_dir():
                below.rmdir()
        path.rmdir()


def boot(share: Path, program: Path) -> None:
    """Boot, wait for what the trial found, and end everything that was booted."""
    room = share.parent / "room"
    room.mkdir()
    site = sysconfig.get_paths()["purelib"]
    inside = [
        "sh", str(Path(__file__).with_name("booted.sh")), str(room), str(share), str(program),
        site, str(_python()), "-m", "tests.process.service_trial",
    ]  # fmt: skip
    with own_cgroup() as cgroup, (share / "boot").open("wb") as log:
        enter = f"echo $$ > {cgroup}/cgroup.procs; exec unshare -m -p -u -i -n -C --fork "
        booted = subprocess.Popen(
            ["sh", "-c", enter + '--kill-child "$@"', "sh", *inside],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end and booted.poll() is None:
            if (share / "done").exists():
                break
            time.sleep(0.2)
        booted.kill()
        booted.wait()
        _emptied(cgroup)


def _emptied(cgroup: Path) -> None:
    end = time.monotonic() + 10.0
    while time.monotonic() < end:
        if "populated 0" in (cgroup / "cgroup.events").read_text():
            return
        time.sleep(0.05)


def campaign() -> dict[str, object]:
    """Return what the trial saw, and `violations`."""
    with tempfile.TemporaryDirectory(prefix="bw-boot-") as name:
        share, program = Path(name) / "share", Path(name) / "program"
        share.mkdir()
        shutil.copytree(ROOT, program, ignore=LEFT_OUT)
        boot(share, program)
        if (share / "figures.json").exists():
            return dict(json.loads((share / "figures.json").read_text()))
        told = [
            (share / part).read_text("utf-8", "replace")[-2_000:]
            for part in ("boot", "out")
            if (share / part).exists()
        ]
        return {"violations": ["the trial did not end", *told]}


def main() -> int:
    """Print the figures; 1 when something was not as it must be."""
    argparse.ArgumentParser(prog="./run campaign service", description=__doc__).parse_args()
    reason = why_not()
    if reason:
        print(json.dumps({"skipped": reason}))
        return 2
    found = campaign()
    print(json.dumps(found, indent=2))
    return 1 if found["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
