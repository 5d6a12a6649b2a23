//! Events that borrow their texts from the record they were read out of, under the names of those that own them; and how
//! one that owns its texts is seen as one that borrows them.

use smol_str::SmolStr;

use crate::{EventTime, event};

pub use crate::event::views::*;

/// See [`event::Event`].
pub type Event<'r> = event::Event<&'r str>;
/// See [`event::Item`].
pub type Item<'r> = event::Item<&'r str>;
/// See [`event::Money`].
pub type Money<'r> = event::Money<&'r str>;

/// What can be looked at without its texts being copied.
pub trait Viewed {
    /// The same with borrowed texts.
    type View<'a>
    where
        Self: 'a;

    /// Borrows every text.
    fn view(&self) -> Self::View<'_>;
}

impl Viewed for SmolStr {
    type View<'a> = &'a str;

    fn view(&self) -> &str {
        self
    }
}

impl<V: Viewed> Viewed for Option<V> {
    type View<'a>
        = Option<V::View<'a>>
    where
        V: 'a;

    fn view(&self) -> Option<V::View<'_>> {
        self.as_ref().map(V::view)
    }
}

impl<V: Viewed> Viewed for Vec<V> {
    type View<'a>
        = Vec<V::View<'a>>
    where
        V: 'a;

    fn view(&self) -> Vec<V::View<'_>> {
        self.iter().map(V::view).collect()
    }
}

macro_rules! itself {
    ($($name:ty)*) => {
        $(impl Viewed for $name {
            type View<'a> = Self;

            fn view(&self) -> Self {
                *self
            }
        })*
    };
}

itself! { EventTime bool i32 i64 u32 }
