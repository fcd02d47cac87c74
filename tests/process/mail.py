"""The campaign `mail`: random updates for the clerk of the chat, against an oracle of the rules."""

import argparse
import asyncio
import json
import sys
import time

from tests.unit.telegram.fuzz import run


def main() -> int:
    told = argparse.ArgumentParser(prog="./run campaign mail", description=__doc__)
    told.add_argument("--updates", type=int, default=100_000)
    told.add_argument("--seed", type=int, default=1)
    asked = told.parse_args()
    began = time.monotonic()
    counts, violations = {}, []
    try:
        counts = dict(asyncio.run(run(asked.updates, asked.seed)))
    except AssertionError as error:
        violations.append(str(error))
    took_s = round(time.monotonic() - began, 1)
    print(json.dumps({"counts": counts, "took_s": took_s, "violations": violations}))
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
