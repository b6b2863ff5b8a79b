//! C functions for groups.
