//! C functions of the environment chapter.
