"""Doors: translate words, never decide.

Each one turns its own protocol into calls of services and their answers and errors back.
"""
