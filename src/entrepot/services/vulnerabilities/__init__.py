"""What is known to be wrong with packages: kept, shown, and compared again when more becomes known.

Called by the API, the worker and the keeper.  What a package is compared with comes from ``domain/advisories``; where
that is imported from is in ``feeds.py``.  What findings lead to is decided elsewhere, by an effect that ``main`` hands
in.
"""
