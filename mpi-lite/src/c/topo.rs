//! C functions of the topology chapter.
