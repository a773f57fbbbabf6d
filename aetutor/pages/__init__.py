"""What only the executed pages use: checked claims, exercises, run profiles, shown source; and the notebook tool.

Nothing here imports a framework, and nothing but `notebooks` needs the Jupyter libraries.
"""
