//! Texts that stand where an id should be and name nobody. Taken for an id, one of them would merge thousands of
//! people into one customer.

/// Words that tracking code sends when it has no id: the values of absent variables, and placeholders of examples.
const JUNK_WORDS: [&str; 19] = [
    "(not set)",
    "[object object]",
    "abc123",
    "anonymous",
    "distinct_id",
    "distinctid",
    "email",
    "false",
    "guest",
    "id",
    "nan",
    "nil",
    "none",
    "not_authenticated",
    "null",
    "true",
    "undefined",
    "unknown",
    "void",
];

/// Whether `id`, already trimmed, is empty or a word that names nobody, in whatever case.
pub(super) fn is_junk_word(id: &str) -> bool {
    id.is_empty() || JUNK_WORDS.iter().any(|word| word.eq_ignore_ascii_case(id))
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
            assert!(is_junk_word(junk), "{junk}");
        }
        for junk in ["-1", "0", "0000", "00000000-0000-0000-0000-000000000000", "---"] {
            assert!(is_junk_number(junk), "{junk}");
        }
        for id in ["1", "-2", "10", "nullable", "0a", "anonymous-7"] {
            assert!(!is_junk_word(id) && !is_junk_number(id), "{id}");
        }
    }
}
