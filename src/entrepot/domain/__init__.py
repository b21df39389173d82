"""The pure core: nouns, formats, versions, policy, goals.

Called by services and adapters.  No I/O, no clock, no logging: the same input gives the same output.
"""
