"""What the report shows and claims, as data: its models, figures and claims.

Read `models` first, then the figure you want to change in `nets` or `combined`.
"""
