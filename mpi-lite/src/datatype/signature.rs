//! The kinds of a type's elements in message order, without their places.
//!
//! Needed to count elements of a partial message, to convert representations and to check operations. Kept as a small
//! tree of repetitions.

use std::sync::Arc;

use super::basic::Basic;
use super::layout::{add_size, mul_size};
use crate::error::Result;

/// A sequence of elements.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    /// Number of elements.
    pub elements: u64,
    /// Message bytes.
    pub bytes: u64,
    form: Form,
}

#[derive(Clone, Debug, PartialEq)]
enum Form {
    Empty,
    /// `elements` times the same.
    Run(Basic),
    /// The same sequence so many times.
    Repeat(u64, Arc<Signature>),
    /// One after the other; no member is itself a sequence.
    Seq(Arc<[Signature]>),
}

impl Signature {
    /// No elements.
    pub const EMPTY: Self = Self { elements: 0, bytes: 0, form: Form::Empty };

    /// One element.
    pub const fn one(basic: Basic) -> Self {
        Self { elements: 1, bytes: basic.size() as u64, form: Form::Run(basic) }
    }

    /// `count` times this.
    pub fn repeated(&self, count: u64) -> Result<Self> {
        let bytes = mul_size(self.bytes, count)?;
        if bytes == 0 {
            return Ok(Self::EMPTY);
        }
        if count == 1 {
            return Ok(self.clone());
        }
        // An element has a byte at least, so neither product can be more than `bytes`.
        let form = match &self.form {
            Form::Run(basic) => Form::Run(*basic),
            Form::Repeat(n, inner) => Form::Repeat(n * count, inner.clone()),
            _ => Form::Repeat(count, Arc::new(self.clone())),
        };
        Ok(Self { elements: self.elements * count, bytes, form })
    }

    /// One after the other.
    pub fn sequence(parts: impl IntoIterator<Item = Self>) -> Result<Self> {
        let (mut elements, mut bytes, mut list) = (0, 0, Vec::<Self>::new());
        for part in parts {
            bytes = add_size(bytes, part.bytes)?;
            elements += part.elements;
            match &part.form {
                Form::Seq(members) => members.iter().for_each(|m| append(&mut list, m.clone())),
                _ => append(&mut list, part),
            }
        }
        if list.len() <= 1 {
            return Ok(list.pop().unwrap_or(Self::EMPTY));
        }
        Ok(Self { elements, bytes, form: Form::Seq(list.into()) })
    }

    /// The element of which all are.
    pub fn uniform(&self) -> Option<Basic> {
        match self.form {
            Form::Run(basic) => Some(basic),
            _ => None,
        }
    }

    /// Number of elements that lie completely in the first `bytes` of one sequence; `None` if they end inside an element.
    pub fn elements_in(&self, bytes: u64) -> Option<u64> {
        if bytes == self.bytes {
            return Some(self.elements);
        }
        match &self.form {
            Form::Empty => None,
            Form::Run(basic) => {
                let size = basic.size() as u64;
                (bytes % size == 0).then_some(bytes / size)
            }
            Form::Repeat(_, inner) => {
                Some(bytes / inner.bytes * inner.elements + inner.elements_in(bytes % inner.bytes)?)
            }
            Form::Seq(members) => {
                let (mut left, mut elements) = (bytes, 0);
                for member in members.iter() {
                    if left < member.bytes {
                        return Some(elements + member.elements_in(left)?);
                    }
                    left -= member.bytes;
                    elements += member.elements;
                }
                None
            }
        }
    }

    /// Bytes of the first `elements` elements (at most all of them).
    pub fn bytes_of(&self, elements: u64) -> u64 {
        if elements >= self.elements {
            return self.bytes;
        }
        match &self.form {
            Form::Empty => 0,
            Form::Run(basic) => elements * basic.size() as u64,
            Form::Repeat(_, inner) => {
                elements / inner.elements * inner.bytes + inner.bytes_of(elements % inner.elements)
            }
            Form::Seq(members) => {
                let (mut left, mut bytes) = (elements, 0);
                for member in members.iter() {
                    bytes += member.bytes_of(left);
                    left = left.saturating_sub(member.elements);
                }
                bytes
            }
        }
    }

    /// Calls `f` for runs of equal elements, in order.
    pub fn for_each_run<E>(
        &self,
        f: &mut impl FnMut(Basic, u64) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        match &self.form {
            Form::Empty => Ok(()),
            Form::Run(basic) => f(*basic, self.elements),
            Form::Repeat(n, inner) => (0..*n).try_for_each(|_| inner.for_each_run(f)),
            Form::Seq(members) => members.iter().try_for_each(|m| m.for_each_run(f)),
        }
    }

    /// Bytes in `external32`; saturates.
    pub fn external_bytes(&self) -> u64 {
        match &self.form {
            Form::Empty => 0,
            Form::Run(basic) => self.elements.saturating_mul(u64::from(basic.external_size)),
            Form::Repeat(n, inner) => inner.external_bytes().saturating_mul(*n),
            Form::Seq(members) => {
                members.iter().fold(0, |sum: u64, m| sum.saturating_add(m.external_bytes()))
            }
        }
    }
}

/// Appends `next`, joined with the last member where both repeat the same.
fn append(list: &mut Vec<Signature>, next: Signature) {
    if next.bytes == 0 {
        return;
    }
    if let Some(last) = list.last_mut() {
        let joined = match (&last.form, &next.form) {
            (Form::Run(a), Form::Run(b)) if a == b => Some(Form::Run(*a)),
            (Form::Repeat(n, a), Form::Repeat(m, b)) if a == b => Some(Form::Repeat(n + m, a.clone())),
            _ => None,
        };
        if let Some(form) = joined {
            *last =
                Signature { elements: last.elements + next.elements, bytes: last.bytes + next.bytes, form };
            return;
        }
    }
    list.push(next);
}
