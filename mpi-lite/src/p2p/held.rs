//! Data of unexpected messages: short data without an allocation.

/// Bytes that are kept without one.
const SHORT: usize = 40;

/// Bytes, kept until a receive wants them.
pub enum Held {
    /// So many of the array.
    Short(u8, [u8; SHORT]),
    /// More.
    Long(Box<[u8]>),
}

impl From<&[u8]> for Held {
    #[inline]
    fn from(bytes: &[u8]) -> Self {
        if bytes.len() > SHORT {
            return Self::Long(bytes.into());
        }
        let mut short = [0; SHORT];
        short[..bytes.len()].copy_from_slice(bytes);
        Self::Short(bytes.len() as u8, short)
    }
}

impl std::ops::Deref for Held {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Short(len, bytes) => &bytes[..usize::from(*len)],
            Self::Long(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_as_they_were() {
        for len in [0, 1, 39, 40, 41, 1000] {
            let bytes: Vec<u8> = (0..len).map(|i| i as u8).collect();
            assert_eq!(*Held::from(&bytes[..]), bytes[..]);
        }
    }
}
