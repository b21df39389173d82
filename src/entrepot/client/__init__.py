"""Typed client of the main API.

Called by the command line and by other people's programs: ``from entrepot.client.api import Client``.
Every answer is bounded, every failure is a ``ClientError``, and credentials go to one host only.
Nothing here prints, prompts or reads the environment; this file imports nothing, so that it costs nothing.
"""
