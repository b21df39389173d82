"""Parts for tests: package builders, scratch roots for real clients, contract suites, servers started for real.

Called by tests and ``make demo`` only.
"""
