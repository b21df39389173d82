"""From a goal to the service method that brings it about.

Called by the queue, in the embedded worker and in worker processes alike.
"""
