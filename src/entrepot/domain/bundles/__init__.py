"""Bundles: states of suites on their way to a server that no network reaches.

A bundle is a set of plain tar archives (volumes).  Each begins with the same head: a signed list of digests, what the
bundle is, and what its states hold; then come files under their digests.  Called by services/bundles and the command
line.  Nothing is believed before the signature over the list of digests was verified.
"""
