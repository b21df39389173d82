"""What the processes of one server tell each other at once, so that nobody has to look again and again.

Called by ``main``, which joins it with services.  Everything said here is a hint: what counts is a row, and whoever
missed a word finds it by looking.
"""
