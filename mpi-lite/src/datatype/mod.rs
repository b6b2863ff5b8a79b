//! Datatypes: the map from memory to message bytes.

use std::rc::Rc;

/// A committed or predefined datatype.
#[derive(Clone)]
pub struct Datatype(#[allow(dead_code, reason = "filled by the datatype chapter")] Rc<()>);
