"""Use cases: one public method is one thing a person can ask for.

Called by entry points.  Permissions are asked here; nothing here knows HTTP.
"""
