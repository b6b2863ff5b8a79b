//! Commands, guest to host, and their answers: the privileged verbs.
//!
//! A slot holds a 64-byte request `{u32 opcode, u32 id, body}` and a 64-byte response `{u32 status, u32 id, body}`,
//! little-endian. [`Request`] and [`Response`] are the checked forms.

mod kinds;
mod reply;
mod request;

pub use kinds::{ModifyMask, Opcode, QpState, Status};
pub use reply::{QpInfo, Reply, Response};
pub use request::{Command, CreateCq, CreateQp, CreateSrq, ModifyQp, Request};
