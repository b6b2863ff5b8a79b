//! C functions of the collective chapter.
