"""The main HTTP API, one file per noun: translate, never decide.

Called by clients over HTTP at ``/``, ``/api`` and ``/api/v1``.  Routes name no permission of their own; services ask.
"""
