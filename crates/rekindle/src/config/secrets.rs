//! What must not be shown: passwords in properties and in URLs.
//!
//! Must stay true: neither `check` nor a complaint nor a log shows one; it goes from where it was written to the client
//! that needs it.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Stands where a secret would.
pub const HIDDEN: &str = "(hidden)";

/// Parts of the names of librdkafka's properties whose values are secrets.
const SECRET_PARTS: [&str; 6] = ["password", "secret", "key.pem", "token", "oauthbearer.config", "jaas"];

/// Keys below which values may be secrets.
const SECRET_KEYS: [&str; 6] =
    ["kafka.properties", "kafka", "redis.url", "redis.cluster", "redis.sentinels", "redis"];

/// Whether the value of a property is hidden. That of `..._file` is a path, and is not.
pub fn is_secret_property(name: &str) -> bool {
    !name.ends_with("_file") && SECRET_PARTS.iter().any(|part| name.contains(part))
}

/// Whether a `key=value` of the command line may hold a secret, so that only its key can be repeated.
pub fn may_be_secret(key: &str) -> bool {
    SECRET_KEYS.contains(&key) || key.starts_with("kafka.properties.")
}

/// A URL that may hold a password.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct SecretUrl(String);

impl SecretUrl {
    /// The URL as it was written.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The URL with everything that is in it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The URL with a password, if it has none yet.
    pub fn with_password(&self, password: &str) -> Option<Self> {
        let (scheme, rest) = self.0.split_once("://")?;
        let (authority, path) = match rest.find(['/', '?']) {
            Some(end) => rest.split_at(end),
            None => (rest, ""),
        };
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        if user.contains(':') {
            return None;
        }
        Some(Self(format!("{scheme}://{user}:{}@{host}{path}", percent_encoded(password))))
    }

    /// Without what stands before the host: even a user's name alone may be a token.
    fn shown(&self) -> String {
        match self.0.split_once("://") {
            Some((scheme, rest)) => match rest.rsplit_once('@') {
                Some((_, host)) => format!("{scheme}://{HIDDEN}@{host}"),
                None => self.0.clone(),
            },
            // Not a URL: whatever it is, nobody needs to see it.
            None => HIDDEN.to_owned(),
        }
    }
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl Serialize for SecretUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown())
    }
}

/// Some URLs: a list, or one text with commas, as an environment variable has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct SecretUrls(pub Vec<SecretUrl>);

impl<'de> Deserialize<'de> for SecretUrls {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = SecretUrls;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of URLs, or one text with commas between them")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<SecretUrls, E> {
                let urls = text.split(',').map(str::trim).filter(|url| !url.is_empty());
                Ok(SecretUrls(urls.map(SecretUrl::new).collect()))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut urls: A) -> Result<SecretUrls, A::Error> {
                let mut all = Vec::new();
                while let Some(url) = urls.next_element()? {
                    all.push(url);
                }
                Ok(SecretUrls(all))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_the_host_is_not_shown() {
        for (url, shown) in [
            ("redis://user:p@ss@host:1/2", "redis://(hidden)@host:1/2"),
            ("rediss://:secret@host", "rediss://(hidden)@host"),
            ("redis://host:6379", "redis://host:6379"),
            ("user:secret@host", "(hidden)"),
        ] {
            assert_eq!(format!("{:?}", SecretUrl::new(url)), shown);
        }
    }

    #[test]
    fn a_password_joins_a_url_that_has_none() {
        let with = |url: &str| SecretUrl::new(url).with_password("p/w@1").map(|url| url.0);
        assert_eq!(with("redis://host:1/2").as_deref(), Some("redis://:p%2Fw%401@host:1/2"));
        assert_eq!(with("redis://ops@host").as_deref(), Some("redis://ops:p%2Fw%401@host"));
        assert_eq!(with("redis://ops:other@host"), None);
    }

    #[test]
    fn properties_that_hold_secrets_are_known_by_name() {
        for name in
            ["sasl.password", "ssl.key.pem", "sasl.oauthbearer.client.secret", "ssl.keystore.password"]
        {
            assert!(is_secret_property(name), "{name}");
        }
        for name in ["sasl.username", "security.protocol", "sasl.password_file", "ssl.ca.location"] {
            assert!(!is_secret_property(name), "{name}");
        }
    }
}
