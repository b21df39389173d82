"""Where goals wait for a worker and survive a crash.

Called by services (submit) and ``main`` (start, stop).  A goal that was submitted is pursued at least once after the
submission.  What a goal means is not here.
"""
