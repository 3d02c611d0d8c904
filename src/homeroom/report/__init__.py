"""What to say: records become frozen views, views become tables, charts and pages.

Owns: every word, number format, chart and page a person sees.
Never: trains, judges or stores; drawing a run needs nothing of what trained it.
"""
