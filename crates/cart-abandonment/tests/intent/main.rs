//! What intent beside the cart means: a rule per test, and what holds for every history.

mod checkout;
mod late;
mod oracle;
mod payment;
mod precedence;
mod properties;
mod recovery;
mod session;
mod stored;
mod story;
