//! The trigger families, each brought into the form that the composition decides about and tells.

pub(crate) mod care;
pub(crate) mod cart;
pub(crate) mod churn;
pub(crate) mod intent;
pub(crate) mod lifecycle;
pub(crate) mod silence;
