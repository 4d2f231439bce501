"""Floor 3: the operations, by family; each is a row of the table of vector-Jacobian products.

In a row, ``g`` is the message that arrives (the derivative of the end with respect to ``out``), ``out`` the
value of the operation, and the rest are its arguments. Every row is written with traced operations.

Source of the rows: Griewank & Walther (2008), table 3.3 and §3.2; for matrices, Giles, Collected matrix
derivative results for forward and reverse mode algorithmic differentiation (2008), §2.2 and §2.3.
"""

from morphvec.autodiff.ops import elementwise, indexing, linalg, products, reductions, shapes, softmax

__all__ = ["elementwise", "indexing", "linalg", "products", "reductions", "shapes", "softmax"]
