"""Pages for people, rendered here and readable without scripts.

Called by browsers.  Everything a page does goes through the same services as the API.
"""
