"""Security advisories in the OSV format: read, put in order, matched with package versions.

Called by services/vulnerabilities and by whoever asks what is known of a package.  Pure.  An advisory speaks of
packages of one distribution, its context (``Debian:12``); without a context nothing can be said about a package.
Components of other ecosystems that a package carries are not here.
"""
