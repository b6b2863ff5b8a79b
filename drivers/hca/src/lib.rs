//! Guest data path of the HCA and the formats guest and host share.
