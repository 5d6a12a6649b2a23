//! Why a raw partition stands still until a person has decided.

use engine::ports::Offset;

/// The raw partition ends before what was read of it. Nobody but a person knows whether what it holds now is new, or is
/// what was read already; going on from either end could double records or miss them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the raw topic ends at offset {end}, before the committed {committed}: it was deleted and created anew, or its broker \
     has lost records; stop all processes of ingest and commit for their consumer group where to read on \
     (`kafka-consumer-groups.sh --reset-offsets`: --to-earliest for a new topic, --to-latest for lost records)"
)]
pub struct RawTopicAnew {
    /// Where it ends.
    pub end: Offset,
    /// Up to where it was read.
    pub committed: Offset,
}
