"""Goals: states of the catalog that a worker has to bring about.

Called by services and the queue.  A goal lost, doubled, late or merged with another does no harm.
"""
