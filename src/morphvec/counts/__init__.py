"""The waist of the house: a sparse token × feature count matrix with its margins."""
