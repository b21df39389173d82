"""The nouns: package, archive, suite, generation, actor, digest.

Immutable values without behaviour that needs the outside.  How they are stored is not here.
"""
