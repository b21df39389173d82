"""The checks of the gate, one file each.

Called by intake, cheapest first.  A check says what it saw and how far it got; policy decides what that means.
"""
