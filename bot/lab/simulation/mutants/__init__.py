"""Safety mutants: small wrongs put into a copy of the code, which the simulation must notice."""
