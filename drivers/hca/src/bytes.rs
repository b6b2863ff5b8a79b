//! Little-endian cursors over the fixed-size bodies of commands and events.

/// Writes fields one after another. The formats are fixed, so running over the end is a defect of this crate: it is
/// caught by the round-trip test of every message.
pub(crate) struct Writer<'a> {
    rest: &'a mut [u8],
}

impl<'a> Writer<'a> {
    pub(crate) fn new(bytes: &'a mut [u8]) -> Self {
        Writer { rest: bytes }
    }

    fn put<const N: usize>(&mut self, value: [u8; N]) -> &mut Self {
        let (head, tail) = core::mem::take(&mut self.rest).split_at_mut(N);
        head.copy_from_slice(&value);
        self.rest = tail;
        self
    }

    pub(crate) fn u8(&mut self, value: u8) -> &mut Self {
        self.put([value])
    }

    pub(crate) fn u32(&mut self, value: u32) -> &mut Self {
        self.put(value.to_le_bytes())
    }

    pub(crate) fn u64(&mut self, value: u64) -> &mut Self {
        self.put(value.to_le_bytes())
    }
}

/// Reads fields one after another; past the end it reads zeros, so hostile input cannot panic it.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes }
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.rest.split_first_chunk::<N>() {
            Some((head, tail)) => {
                self.rest = tail;
                *head
            }
            None => {
                self.rest = &[];
                [0; N]
            }
        }
    }

    pub(crate) fn u8(&mut self) -> u8 {
        u8::from_le_bytes(self.take())
    }

    pub(crate) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    pub(crate) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }
}
