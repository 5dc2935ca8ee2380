"""From predictions to verdicts: intervals, looks as starts come in, what to train next.

Read `intervals` first, then `looks` for why looking several times does no harm.
"""
