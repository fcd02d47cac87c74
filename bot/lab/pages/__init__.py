"""A finished replay as pages, pictures, tables and lines."""
