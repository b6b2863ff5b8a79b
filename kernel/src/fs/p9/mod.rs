//! 9P2000.L: the protocol spoken to QEMU's virtio-9p server, which serves a directory that the user chose.

pub mod client;
pub mod wire;

pub use client::{Channel, Client, Fid, SetAttr};
pub use wire::{Attr, Entry, Qid, StatFs};
