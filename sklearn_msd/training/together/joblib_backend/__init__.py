"""A joblib backend in which the fits of nets meet, and train together.

Read `meeting` first, which says who waits for whom; `backend` is how joblib reaches it.
"""
