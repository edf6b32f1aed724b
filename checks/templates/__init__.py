"""The templates as ARM would deploy them: every resource with its values, computed without a compiler and without Azure.

Why not by the syntax trees of checks/bicep_source.py: tree-sitter's grammar of Bicep reads `a ? b : c.d` as `(a ? b : c).d`.
"""
