"""Pure functions of arrays: the mathematics below layers and nets."""
