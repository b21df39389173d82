"""Generations: build beside, check with a client's eyes, switch; and read what is published.

Called by workers (publish) and content (read).  A generation never changes; the catalog is the truth and any tree can
be built from it again.  What may be in a suite is decided elsewhere.
"""
