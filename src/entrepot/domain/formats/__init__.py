"""Bytes to nouns and back, one folder per packaging format.

Called by services.  Everything is streamed and bounded; nothing is written to disk or taken from a file name.
"""
