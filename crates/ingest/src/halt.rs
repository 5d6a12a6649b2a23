//! Why a raw partition stands still until a person has decided.

use engine::ports::Offset;

/// The raw partition ends before what was read of it: its broker has lost records, or somebody made the topic anew and
/// kept the group's offsets (Kafka deletes them along with a topic, and then it is read from its start). Nobody but a person
/// knows which of the two it is; going on from either end could double records or miss them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the raw topic ends at offset {end}, before the committed {committed}: its broker has lost records, or it was deleted and \
     created anew; stop all processes of ingest and commit for their consumer group where to read on \
     (`kafka-consumer-groups.sh --reset-offsets`: --to-latest for lost records, --to-earliest for a new topic)"
)]
pub struct RawTopicShorter {
    /// Where it ends.
    pub end: Offset,
    /// Up to where it was read.
    pub committed: Offset,
}
