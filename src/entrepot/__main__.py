"""``python -m entrepot``."""

from entrepot.program import main

main()
