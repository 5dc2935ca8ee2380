"""The 2017 report's figures, tables and claims, made anew on the user's data."""
