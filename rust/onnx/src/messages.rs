//! Which field of which message is what, as in onnx.proto: of the messages that can hold tensors, and of those with names.

/// Messages within messages: protobuf's own limit.
pub const DEEPEST: usize = 100;

/// A message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Message {
    Model,
    Training,
    Function,
    Graph,
    Node,
    Attribute,
    Tensor,
    SparseTensor,
    ValueInfo,
    Type,
    /// The type of a sequence or an optional value, of one item.
    Holder,
    Map,
    TensorType,
    Shape,
    Dimension,
}

impl Message {
    /// The message that a field holds, if it is one of those above.
    pub fn field(self, number: u64) -> Option<Self> {
        Some(match (self, number) {
            (Self::Model, 7) | (Self::Training, 1 | 2) | (Self::Attribute, 6 | 11) => Self::Graph,
            (Self::Model, 20) => Self::Training,
            (Self::Model, 25) => Self::Function,
            (Self::Function, 7) | (Self::Graph, 1) => Self::Node,
            (Self::Function, 11) | (Self::Node, 5) => Self::Attribute,
            (Self::Attribute, 5 | 10) | (Self::SparseTensor, 1 | 2) | (Self::Graph, 5) => Self::Tensor,
            (Self::Attribute, 22 | 23) | (Self::Graph, 15) => Self::SparseTensor,
            (Self::Graph, 11..=13) => Self::ValueInfo,
            (Self::ValueInfo | Self::Map, 2) | (Self::Holder, 1) => Self::Type,
            (Self::Type, 4 | 9) => Self::Holder,
            (Self::Type, 5) => Self::Map,
            (Self::Type, 1 | 8) => Self::TensorType,
            (Self::TensorType, 2) => Self::Shape,
            (Self::Shape, 1) => Self::Dimension,
            _ => return None,
        })
    }

    /// Whether a field names something.
    pub fn is_name(self, number: u64) -> bool {
        matches!(
            (self, number),
            (Self::Graph | Self::Dimension, 2)
                | (Self::ValueInfo | Self::Attribute, 1)
                | (Self::Tensor, 8)
                | (Self::Node, 1..=4 | 7)
        )
    }

    /// Whether a field holds a tensor's elements.
    pub fn is_elements(self, number: u64) -> bool {
        self == Self::Tensor && matches!(number, 4..=7 | 9..=11)
    }
}
