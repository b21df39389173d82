"""Recipes of container images: which packages they install, and on what they build.

Called by ``services/imports``.  Recipes are read, never run; what only a run could tell is named as unknown.
"""
