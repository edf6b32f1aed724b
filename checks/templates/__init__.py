"""The templates as ARM would deploy them: every resource with its values, without a compiler and without Azure.

Why not by the trees of checks/bicep_source.py: the grammar of tree-sitter reads `a ? b : c.d` as `(a ? b : c).d`.
"""
