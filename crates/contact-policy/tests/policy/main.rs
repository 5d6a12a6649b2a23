//! The gates from outside: who is let through, who is stopped and why, and what came of it.

mod caps;
mod desk;
mod intent;
mod night;
mod order;
mod outcomes;
mod properties;
