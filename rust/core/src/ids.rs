//! Typed indices, and the only casts between integer widths.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl $name {
            /// The id of the `index`-th one.
            ///
            /// # Panics
            /// In debug builds, when `index` needs more than 32 bits; no frozen graph has such an index.
            #[must_use]
            pub fn new(index: usize) -> Self {
                Self(narrow(index))
            }

            /// Its index, for a slice.
            #[must_use]
            pub fn index(self) -> usize {
                wide(self.0)
            }

            /// Its index in 32 bits.
            pub(crate) fn narrow(self) -> u32 {
                self.0
            }
        }
    };
}

id! {
    /// A node (operation) of a graph.
    NodeId
}
id! {
    /// A tensor (value) of a graph.
    TensorId
}

/// An index as 32 bits, to halve what hot loops read.
#[expect(clippy::cast_possible_truncation, reason = "a frozen graph has fewer than 2^31 nodes, tensors and reads")]
pub(crate) fn narrow(index: usize) -> u32 {
    debug_assert!(u32::try_from(index).is_ok());
    index as u32
}

/// A 32-bit index, for a slice.
pub(crate) fn wide(index: u32) -> usize {
    index as usize
}

/// A tick count in a float; exact, since costs stay below 2^52.
#[expect(clippy::cast_precision_loss, reason = "costs stay below 2^52 ticks")]
pub(crate) fn float(ticks: i64) -> f64 {
    ticks as f64
}

/// Bytes in a float, for a division by a bandwidth; exact up to 2^53, else the nearest float, as in any language.
#[expect(clippy::cast_precision_loss, reason = "see above")]
pub(crate) fn bytes_as_float(bytes: u64) -> f64 {
    bytes as f64
}

/// An integral float as ticks; saturates.
#[expect(clippy::cast_possible_truncation, reason = "callers pass integral values; saturation is wanted")]
pub(crate) fn ticks(integral: f64) -> i64 {
    integral as i64
}

/// A count of things as ticks, for products with one.
pub(crate) fn count(things: usize) -> i64 {
    i64::try_from(things).unwrap_or(i64::MAX)
}
