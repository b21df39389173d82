"""The program ``entrepot``: the command line of the client, and the commands that run on the server itself.

Called by the operating system.  Nothing imports this.
"""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Entry point of the ``entrepot`` command."""
    from entrepot.entrypoints.cli.app import app, run
    from entrepot.program import audit, export, fill, rescue, serve, verify, worker

    for module in (serve, worker, verify, export, fill, rescue):
        module.register(app)
    try:
        code = run(sys.argv[1:], audit.verify)
    finally:
        # At its end Python looks through everything for cycles once more: a second for a server, and it frees nothing.
        gc.freeze()
    sys.exit(code)
