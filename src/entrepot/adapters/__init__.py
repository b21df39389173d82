"""The outside world, one port a folder: ``base.py`` is the port, every other module an implementation.

Called by services through the ports.  An implementation turns foreign exceptions into ours.
Only ``main`` and ``testing`` know implementations by name.
"""
