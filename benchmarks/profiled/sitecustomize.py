"""Runs xmppd's programs under cProfile, where this directory is on Python's path.

Python imports a module of this name whenever it starts. The server hands its environment on to the
components that it starts, so each of them comes by here as well.
"""

import os
import sys
from pathlib import Path

for _argument in sys.argv:
    if _argument == "xmppd" or _argument.startswith("xmppd-"):
        _file = Path(os.environ["XMPPD_BENCH_PROFILES"]) / _argument
        sys.argv[1:1] = ["--profiler=cprofile", "--savestats", f"--profile={_file}"]
        break
