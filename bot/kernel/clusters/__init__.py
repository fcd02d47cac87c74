"""Where forced orders wait: the estimated map, what was really forced, and the map's own score."""
