//! C functions for info objects.
