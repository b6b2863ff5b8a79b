//! C functions of the datatype chapter.
