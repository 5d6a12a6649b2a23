//! Text that becomes HTML. Must stay true: what is not written in this program is escaped, by type: markup is `'static`.

/// A page in the making.
#[derive(Default)]
pub struct Html(String);

impl Html {
    /// Markup, as it is.
    pub fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Text, in an element or in a quoted attribute.
    pub fn text(&mut self, text: impl AsRef<str>) -> &mut Self {
        for c in text.as_ref().chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                c => self.0.push(c),
            }
        }
        self
    }

    /// An element with a class around text.
    pub fn element(&mut self, open: &'static str, text: impl AsRef<str>, close: &'static str) -> &mut Self {
        self.raw(open).text(text).raw(close)
    }

    /// The page as text.
    pub fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_place() {
        let mut html = Html::default();
        html.element("<a title=\"", "\"><script>alert('x') & more", "\">");
        assert_eq!(html.finish(), "<a title=\"&quot;&gt;&lt;script&gt;alert(&#39;x&#39;) &amp; more\">");
    }
}
