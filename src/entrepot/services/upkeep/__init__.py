"""What keeps an installation healthy: unmet goals, dead nodes, garbage, verification, health.

Called by the scheduler, workers and administrators.  Nothing here is needed for an answer to be right, only for it
to stay so.
"""
