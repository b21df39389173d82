"""Which of two versions is newer, as dpkg and rpm decide it.

Called by formats, policy and services.  Pure and total: every string that a format accepts has a place.
"""
