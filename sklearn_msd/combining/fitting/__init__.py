"""Numbers behind the combiners and correctors: what songs held out say.

Read `shrinkage` for how few songs are trusted.
"""
