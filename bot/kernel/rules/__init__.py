"""De-leveraging rules, one file each: demand(view) -> Demand | None."""
