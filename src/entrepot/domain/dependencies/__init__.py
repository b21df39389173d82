"""What packages need of each other, and whether a set of packages gives it.

Called by services that explain or check dependencies.  Bounded: whatever a package says, the work ends.
Nothing here knows where packages are kept.
"""
