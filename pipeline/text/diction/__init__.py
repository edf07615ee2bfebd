"""What a 简介 line says, judged by its words: it tells of research, and of nothing else.

Whatever its paper talked a model into, a line that advertises, gives orders, praises or passes for
a notice uses words that no honest line does. `words/` has them, a kind a file; `rules.py` has a
rule a kind.
"""
