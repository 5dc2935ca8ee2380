"""The page: what it says, in which order, and how it looks in HTML and Markdown.

Read `render` first, which has the page from top to bottom.
"""
