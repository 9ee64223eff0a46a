//! A header block becomes a list of fields (RFC 7541, 3 and 6).

use bytes::Bytes;

use crate::rpc::doorstep::field::Field;
use crate::rpc::doorstep::huffman;
use crate::rpc::doorstep::table::Table;
use crate::rpc::doorstep::table::size;

/// Reads the header blocks of one connection, in their order.
///
/// After an error the table may be anything: the connection must end.
#[derive(Debug)]
pub(super) struct Decoder {
    table: Table,
    most: usize,
}

impl Decoder {
    /// Lets the fields of one block count for `most` bytes, each for its name,
    /// its value and 32 more.
    pub(super) const fn new(most: usize) -> Self {
        Self {
            table: Table::new(),
            most,
        }
    }

    pub(super) fn decode(&mut self, block: &[u8]) -> Result<Vec<Field>, HpackError> {
        let mut input = Input(block);
        let mut fields = Vec::new();
        let mut left = self.most;
        while let Some(&first) = input.0.first() {
            if first & 0xe0 == 0x20 {
                // RFC 7541 4.2: only before the first field.
                let room = input.integer(5)?;
                if !fields.is_empty() || !self.table.resize(room) {
                    return Err(HpackError::BadTableSize);
                }
                continue;
            }
            let field = self.field(first, &mut input, left)?;
            left = left
                .checked_sub(size(&field.name, &field.value))
                .ok_or(HpackError::TooLarge)?;
            fields.push(field);
        }
        Ok(fields)
    }

    fn field(
        &mut self,
        first: u8,
        input: &mut Input<'_>,
        left: usize,
    ) -> Result<Field, HpackError> {
        if first & 0x80 != 0 {
            let index = input.integer(7)?;
            let (name, value) = self.known(index)?;
            return Ok(Field {
                name,
                value,
                secret: false,
            });
        }
        let entered = first & 0x40 != 0;
        let index = input.integer(if entered { 6 } else { 4 })?;
        let name = match index {
            0 => input.text(left)?,
            index => self.known(index)?.0,
        };
        let value = input.text(left)?;
        if entered {
            self.table.enter(name.clone(), value.clone());
        }
        Ok(Field {
            name,
            value,
            secret: !entered && first & 0x10 != 0,
        })
    }

    fn known(&self, index: usize) -> Result<(Bytes, Bytes), HpackError> {
        self.table
            .get(index)
            .ok_or(HpackError::UnknownIndex { index })
    }
}

/// Why a header block cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum HpackError {
    /// A string that is not in the Huffman code, or wrongly padded.
    #[error("a string is not in the Huffman code")]
    BadHuffman,
    /// A table size that is larger than allowed, or not at the block's start.
    #[error("the table's size is changed to what, or where, it may not be")]
    BadTableSize,
    /// The block ends in the middle of a field.
    #[error("the block ends within a field")]
    Short,
    /// More than the limit.
    #[error("the fields are too large")]
    TooLarge,
    /// A number that no field has.
    #[error("no field has the number {index}")]
    UnknownIndex {
        /// The number.
        index: usize,
    },
}

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> Result<u8, HpackError> {
        let (&first, rest) = self.0.split_first().ok_or(HpackError::Short)?;
        self.0 = rest;
        Ok(first)
    }

    /// RFC 7541 5.1. What needs more than four bytes beside the prefix is
    /// larger than anything here may be.
    fn integer(&mut self, prefix_bits: u32) -> Result<usize, HpackError> {
        let mask = (1_usize << prefix_bits) - 1;
        let mut number = usize::from(self.byte()?) & mask;
        if number < mask {
            return Ok(number);
        }
        for shift in [0, 7, 14, 21] {
            let byte = usize::from(self.byte()?);
            number += (byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(HpackError::TooLarge)
    }

    /// RFC 7541 5.2. At most `most` bytes, decoded.
    fn text(&mut self, most: usize) -> Result<Bytes, HpackError> {
        let huffman = self.0.first().is_some_and(|first| first & 0x80 != 0);
        let length = self.integer(7)?;
        let (text, rest) = self.0.split_at_checked(length).ok_or(HpackError::Short)?;
        self.0 = rest;
        if huffman {
            let mut decoded = Vec::new();
            huffman::decode(text, most, &mut decoded)?;
            return Ok(decoded.into());
        }
        if text.len() > most {
            return Err(HpackError::TooLarge);
        }
        Ok(Bytes::copy_from_slice(text))
    }
}
