//! Which source holds the watermark of each partition.
//!
//! Must stay true: a partition has at most one holder in the exposition. The old series goes before the new one comes,
//! so a scrape in between sees none rather than two.

use std::collections::BTreeMap;

use prometheus::GaugeVec;

use crate::partition_series::PartitionLabels;

pub(crate) struct WatermarkHolders {
    service: String,
    family: GaugeVec,
    shown: BTreeMap<PartitionLabels, String>,
}

impl WatermarkHolders {
    pub(crate) fn new(service: &str, family: &GaugeVec) -> Self {
        Self { service: service.to_owned(), family: family.clone(), shown: BTreeMap::new() }
    }

    /// Shows these holders, and no others.
    pub(crate) fn show(&mut self, holders: BTreeMap<PartitionLabels, String>) {
        for (labels, source) in &self.shown {
            if holders.get(labels) != Some(source) {
                let values = [self.service.as_str(), &labels.topic, &labels.partition, source];
                // An error says that it was not there.
                drop(self.family.remove_label_values(&values));
            }
        }
        for (labels, source) in &holders {
            let values = [self.service.as_str(), &labels.topic, &labels.partition, source];
            self.family.with_label_values(&values).set(1.0);
        }
        self.shown = holders;
    }
}

impl Drop for WatermarkHolders {
    fn drop(&mut self) {
        self.show(BTreeMap::new());
    }
}
