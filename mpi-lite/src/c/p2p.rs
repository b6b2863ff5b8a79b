//! C functions of the point-to-point chapter.
