"""The command `python -m benchmarks.profile_xmppd ROW`: where xmppd spends its time, by cProfile.

Each program of the server has a profile of its own: the core, and the components that the row
needs and the server starts. The figures are of their whole life, logins included; cProfile makes
small Python functions look dearer than they are, so compare shares, not times.
"""

import argparse
import pstats
import sys
import tempfile
from pathlib import Path

from benchmarks.__main__ import build, measure, place
from benchmarks.rows import ROWS
from benchmarks.subject import Xmppd
from benchmarks.work import Options


def main() -> int:
    """Run one row with xmppd under cProfile and print the top of each of its profiles."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile_xmppd", description=__doc__)
    parser.add_argument("row", choices=[row.key for row in ROWS], nargs="?", default="chat")
    parser.add_argument("--secs", type=float, default=8.0, help="seconds of chat (8)")
    default = Options()
    parser.add_argument("--browsers", type=int, default=default.browsers, help="by HTTP (1000)")
    parser.add_argument("--top", type=int, default=25, help="rows to print (25)")
    parser.add_argument("--sort", default="tottime", help="pstats key (tottime)")
    parser.add_argument("--save", type=Path, metavar="DIR", help="keep the profiles there")
    args = parser.parse_args()
    row = next(row for row in ROWS if row.key == args.row)
    with tempfile.TemporaryDirectory(prefix="xmppd-bench-") as home:
        work = Options(seconds=args.secs, browsers=args.browsers)
        servers = build(["xmppd"], Path(home), place())
        if not servers:
            return 1
        servers[0].load(row.features)
        row.provide(servers[0], work)
        profiles = Xmppd.profiles = (args.save or Path(home) / "profiles").absolute()
        profiles.mkdir(parents=True, exist_ok=True)
        if measure(row, servers[0], work) is None:
            return 1
        for profile in sorted(profiles.glob("xmppd*")):
            pstats.Stats(str(profile)).sort_stats(args.sort).print_stats(args.top)
    return 0


if __name__ == "__main__":
    sys.exit(main())
