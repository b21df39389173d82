"""Run one program and say what it cost; started without site packages, so that it is small.

The kernel counts the memory of whoever starts a program as the program's own until it is replaced (getrusage(2)):
a large harness would hide the peaks of small tools.
"""

import json
import os
import sys
import time


def main() -> None:
    """``timed.py REPORT PROGRAM ARGUMENT ...``; ends with the program's status."""
    report, *command = sys.argv[1:]
    began = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - began
    cost = {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak_mib": usage.ru_maxrss / 1024}
    with open(report, "w", encoding="ascii") as out:
        json.dump(cost, out)
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
