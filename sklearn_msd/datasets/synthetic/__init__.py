"""Made songs, with what each of the report's nets can find and the others cannot.

Read `songs` first.
"""
