//! Texts that stand where an id should be and name nobody. Taken for an id, one of them would merge thousands of
//! people into one customer.

/// What absent variables look like once they have become text.
const NOTHING: [&str; 8] =
    ["(not set)", "[object object]", "nan", "nil", "none", "null", "undefined", "void"];

/// What else tracking code sends for a person it does not know: placeholders, and the names of fields.
const NOBODY: [&str; 11] = [
    "abc123",
    "anonymous",
    "distinct_id",
    "distinctid",
    "email",
    "false",
    "guest",
    "id",
    "not_authenticated",
    "true",
    "unknown",
];

/// Whether `text`, already trimmed, says that there is no value, in whatever case.
pub(super) fn is_nothing(text: &str) -> bool {
    text.is_empty() || NOTHING.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Whether `id`, already trimmed, is a word that names nobody, in whatever case.
pub(super) fn is_nobody(id: &str) -> bool {
    is_nothing(id) || NOBODY.iter().any(|word| word.eq_ignore_ascii_case(id))
}

/// Whether `id` is a number that stands for "no id": `-1`, or nothing but zeros and dashes. Such a number is a real
/// id in some sources, which say so with an id prefix.
pub(super) fn is_junk_number(id: &str) -> bool {
    id == "-1" || id.bytes().all(|byte| byte == b'0' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn junk_is_known_in_any_case_and_ids_are_left_alone() {
        for junk in ["", "null", "NULL", "Undefined", "anonymous", "void", "[object Object]"] {
            assert!(is_nobody(junk), "{junk}");
        }
        for junk in ["-1", "0", "0000", "00000000-0000-0000-0000-000000000000", "---"] {
            assert!(is_junk_number(junk), "{junk}");
        }
        assert!(!is_nothing("email") && !is_nothing("0"), "a channel and a step");
        for id in ["1", "-2", "10", "nullable", "0a", "anonymous-7"] {
            assert!(!is_nobody(id) && !is_junk_number(id), "{id}");
        }
    }
}
