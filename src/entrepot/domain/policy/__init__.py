"""Decisions as pure functions: who may do what, what may be published.

Called by services.  The same facts always give the same answer.
"""
