"""Folders with plain trees of files, for web servers that know nothing but files.

Used by services/publish.  A file appears whole or not at all; only what was written here is ever removed.
"""
