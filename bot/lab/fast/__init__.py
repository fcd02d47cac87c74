"""The compiled lab: plain loops over columns, compiled by Numba from the source that is read."""
