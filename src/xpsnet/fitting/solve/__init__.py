"""How it is fitted: lmfit for one spectrum, a compiled solver for many."""
