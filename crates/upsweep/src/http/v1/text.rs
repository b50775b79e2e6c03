//! Small values of requests and answers, each with the schema that says exactly what is accepted.

use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use upsweep_plan::key::{Escaped, Key};
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, OneOfBuilder, SchemaFormat, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A point in time, as RFC 3339 writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Time(pub(crate) Timestamp);

impl From<Timestamp> for Time {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // A plus sign that nobody encoded arrives as a space.
        let spelled = if text.contains('T') { text.replace(' ', "+") } else { text.clone() };
        let at = spelled.parse().map_err(|_| {
            D::Error::custom(format!("'{}' is no time such as 2026-11-01T08:00:00Z", Escaped(text.as_bytes())))
        });
        at.map(Self)
    }
}

impl ToSchema for Time {}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        let time = ObjectBuilder::new().schema_type(Type::String);
        time.format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))).build().into()
    }
}

/// A whole number that every JSON parser reads exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Whole(pub(crate) u64);

/// 2^53 - 1.
pub(crate) const WHOLE_MAX: u64 = 9_007_199_254_740_991;

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u64(WholeVisitor)
    }
}

struct WholeVisitor;

impl serde::de::Visitor<'_> for WholeVisitor {
    type Value = Whole;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a whole number from 0 to {WHOLE_MAX}")
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Whole, E> {
        match number {
            0..=WHOLE_MAX => Ok(Whole(number)),
            _ => Err(E::custom(format!("{number} is more than {WHOLE_MAX}"))),
        }
    }

    /// To JSON 5.0 is as whole as 5.
    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Whole, E> {
        let is_whole = number.fract() == 0.0 && (0.0..=WHOLE_MAX as f64).contains(&number);
        if is_whole { Ok(Whole(number as u64)) } else { Err(E::custom(format!("{number} is no whole number here"))) }
    }
}

impl ToSchema for Whole {}

impl PartialSchema for Whole {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
        number.maximum(Some(WHOLE_MAX as i64)).build().into()
    }
}

/// Somebody's words, for the history and the audit trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Words(pub(crate) String);

pub(crate) const WORDS_MAX: usize = 1_000;

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let words = text.trim();
        match words {
            "" => Err(D::Error::custom("the reason must say why")),
            _ if text.chars().any(char::is_control) => {
                Err(D::Error::custom("the reason is one line, without control characters"))
            }
            _ if text.chars().count() > WORDS_MAX => {
                Err(D::Error::custom(format!("the reason has more than {WORDS_MAX} characters")))
            }
            words => Ok(Self(words.to_owned())),
        }
    }
}

impl ToSchema for Words {}

impl PartialSchema for Words {
    fn schema() -> RefOr<Schema> {
        text(1, WORDS_MAX, Some(r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x1f\x7f-\x9f\s][^\x00-\x1f\x7f-\x9f]*$")).into()
    }
}

pub(crate) fn text(min: usize, max: usize, pattern: Option<&str>) -> Schema {
    let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(min)).max_length(Some(max));
    text.pattern(pattern).build().into()
}

/// A file's name below the upload directory, in JSON: its text, or `{"hex": "…"}` where it is no UTF-8.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Name(pub(crate) Key);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = Spelled::deserialize(deserializer)?.bytes()?;
        name(&bytes).map_err(D::Error::custom)
    }
}

/// The name that these bytes are.
pub(crate) fn name(bytes: &[u8]) -> Result<Name, String> {
    Key::parse(bytes)
        .map(Name)
        .map_err(|why| format!("'{}' is no name of a file below the upload directory: {why}", Escaped(bytes)))
}

impl ToSchema for Name {}

impl PartialSchema for Name {
    fn schema() -> RefOr<Schema> {
        spelled(
            &key_pattern(TEXT),
            &key_pattern(HEX),
            "A file's name: its text, or hexadecimal digits where it is no UTF-8.",
        )
    }
}

/// The beginning of names, in the same form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Prefix(pub(crate) upsweep_plan::hold::Prefix);

impl<'de> Deserialize<'de> for Prefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = Spelled::deserialize(deserializer)?.bytes()?;
        let parsed = upsweep_plan::hold::Prefix::parse(&bytes);
        parsed.map(Self).map_err(|why| D::Error::custom(format!("'{}' is no prefix: {why}", Escaped(&bytes))))
    }
}

impl ToSchema for Prefix {}

impl PartialSchema for Prefix {
    fn schema() -> RefOr<Schema> {
        let about = "The beginning of names: its text, or hexadecimal digits where it is no UTF-8.";
        spelled(&prefix_pattern(TEXT), &prefix_pattern(HEX), about)
    }
}

/// The beginning of names, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PrefixText(pub(crate) String);

impl<'de> Deserialize<'de> for PrefixText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let Prefix(_) = Deserialize::deserialize(serde::de::value::StrDeserializer::<D::Error>::new(&text))?;
        Ok(Self(text))
    }
}

impl ToSchema for PrefixText {}

impl PartialSchema for PrefixText {
    fn schema() -> RefOr<Schema> {
        text(1, NAME_MAX, Some(&prefix_pattern(TEXT))).into()
    }
}

/// So many characters are read; no name of a file system is longer.
pub(crate) const NAME_MAX: usize = 4_096;

/// Bytes as JSON spells them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Spelled {
    Text(String),
    Bytes(Hex),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hex {
    hex: String,
}

impl Spelled {
    fn bytes<E: serde::de::Error>(self) -> Result<Vec<u8>, E> {
        match self {
            Self::Text(text) if text.chars().count() <= NAME_MAX => Ok(text.into_bytes()),
            Self::Bytes(Hex { hex }) if hex.len() <= 2 * NAME_MAX => {
                unhex(&hex).ok_or_else(|| E::custom("hex must be pairs of the digits 0-9 and a-f"))
            }
            _ => Err(E::custom(format!("a name has at most {NAME_MAX} characters"))),
        }
    }
}

fn unhex(hex: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| (b as char).to_digit(16).filter(|_| !b.is_ascii_uppercase());
    let pair = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
        _ => None,
    };
    hex.as_bytes().chunks(2).map(pair).collect()
}

/// How a pattern spells a slash, a dot, and a byte or character that is neither of the two nor NUL.
struct Alphabet {
    slash: &'static str,
    dot: &'static str,
    other: &'static str,
}

const TEXT: Alphabet = Alphabet { slash: "/", dot: r"\.", other: r"[^/.\x00]" };
const HEX: Alphabet = Alphabet { slash: "2f", dot: "2e", other: "(?:0[1-9a-f]|2[0-9a-d]|[13-9a-f][0-9a-f])" };

/// A component that is neither empty nor `.` nor `..`.
fn component(Alphabet { slash: _, dot, other }: &Alphabet) -> String {
    let any = format!("(?:{other}|{dot})");
    format!("(?:{other}{any}*|{dot}{other}{any}*|{dot}{dot}{any}+)")
}

fn key_pattern(alphabet: Alphabet) -> String {
    let (component, slash) = (component(&alphabet), alphabet.slash);
    format!("^{component}(?:{slash}{component})*$")
}

/// Whole components, each with its slash, and the beginning of another one: one of the two may be missing.
fn prefix_pattern(alphabet: Alphabet) -> String {
    let (component, Alphabet { slash, dot, other }) = (component(&alphabet), alphabet);
    format!("^(?:{component}{slash})*(?:(?:{other}|{dot})+|{component}{slash})$")
}

pub(crate) fn name_pattern() -> String {
    key_pattern(TEXT)
}

/// An object with these members and no other; `true` where one is required.
pub(crate) fn closed(members: Vec<(&str, RefOr<Schema>, bool)>) -> Schema {
    let object = ObjectBuilder::new().schema_type(Type::Object);
    let object = object.additional_properties(Some(AdditionalProperties::FreeForm(false)));
    let all = members.into_iter().fold(object, |object, (name, schema, is_required)| {
        let object = object.property(name, schema);
        if is_required { object.required(name) } else { object }
    });
    all.build().into()
}

/// The same, or null.
pub(crate) fn or_null(schema: RefOr<Schema>) -> RefOr<Schema> {
    let null = ObjectBuilder::new().schema_type(Type::Null);
    OneOfBuilder::new().item(null).item(schema).into()
}

/// A schema among the components.
pub(crate) fn reference<T: ToSchema>() -> RefOr<Schema> {
    utoipa::openapi::Ref::from_schema_name(T::name()).into()
}

/// A text that is always the same.
pub(crate) fn word(word: &str) -> RefOr<Schema> {
    Schema::from(ObjectBuilder::new().schema_type(Type::String).enum_values(Some([word])).build()).into()
}

/// A schema and those that it refers to.
pub(crate) fn register<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
}

fn spelled(as_text: &str, as_hex: &str, about: &str) -> RefOr<Schema> {
    let hex = closed(vec![("hex", text(2, 2 * NAME_MAX, Some(as_hex)).into(), true)]);
    OneOfBuilder::new().description(Some(about)).item(text(1, NAME_MAX, Some(as_text))).item(hex).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_allow_exactly_what_is_accepted() {
        let names = ["a", ".a", "..a", "...", "a/b", "a.b/.c", "ü", "a b", "a\nb"];
        let no_names = ["", ".", "..", "/a", "a/", "a//b", "a/../b", "./a", "a\0"];
        let prefixes = ["a", "a/", "a/b", "a/.", ".", "..x", "a/..", "..."];
        let no_prefixes = ["", "/a", "a\0", "a//b", "./a", "a/../b", "/"];
        let regex = |pattern: String| regex::Regex::new(&pattern).unwrap();
        let hex = |text: &str| text.bytes().map(|b| format!("{b:02x}")).collect::<String>();
        let accepts_name = |json: serde_json::Value| serde_json::from_value::<Name>(json).is_ok();
        let accepts_prefix = |json: serde_json::Value| serde_json::from_value::<Prefix>(json).is_ok();
        for (all, is_good) in [(&names[..], true), (&no_names[..], false)] {
            for text in all {
                assert_eq!(regex(key_pattern(TEXT)).is_match(text), is_good, "{text:?}");
                assert_eq!(regex(key_pattern(HEX)).is_match(&hex(text)), is_good, "{text:?} in hex");
                assert_eq!(accepts_name(serde_json::json!(text)), is_good, "{text:?}");
                assert_eq!(accepts_name(serde_json::json!({"hex": hex(text)})), is_good, "{text:?} in hex");
            }
        }
        for (all, is_good) in [(&prefixes[..], true), (&no_prefixes[..], false)] {
            for text in all {
                assert_eq!(regex(prefix_pattern(TEXT)).is_match(text), is_good, "{text:?}");
                assert_eq!(regex(prefix_pattern(HEX)).is_match(&hex(text)), is_good, "{text:?} in hex");
                assert_eq!(accepts_prefix(serde_json::json!(text)), is_good, "{text:?}");
                assert_eq!(accepts_prefix(serde_json::json!({"hex": hex(text)})), is_good, "{text:?} in hex");
            }
        }
    }

    #[test]
    fn names_that_are_no_text_go_there_and_back() {
        let name: Name = serde_json::from_str(r#"{"hex":"61ff"}"#).unwrap();
        assert_eq!(name.0.as_bytes(), b"a\xff");
        assert_eq!(serde_json::to_string(&name).unwrap(), r#"{"hex":"61ff"}"#);
        for wrong in [r#"{"hex":"6"}"#, r#"{"hex":"FF"}"#, r#"{"hex":"+f"}"#, r#"{"hex":"61","more":1}"#, "7"] {
            assert!(serde_json::from_str::<Name>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_reason_says_something() {
        assert_eq!(serde_json::from_str::<Words>(r#"" seen ""#).unwrap(), Words("seen".to_owned()));
        assert!(serde_json::from_str::<Words>(r#""seen\u001b[31m""#).is_err());
        assert!(serde_json::from_str::<Words>(r#""seen\nrun 7: done""#).is_err());
        for wrong in [r#""""#, r#"" \t""#, "null", "7"] {
            assert!(serde_json::from_str::<Words>(wrong).is_err(), "{wrong}");
        }
        assert!(serde_json::from_value::<Words>("ü".repeat(WORDS_MAX + 1).into()).is_err());
        assert!(serde_json::from_value::<Words>("ü".repeat(WORDS_MAX).into()).is_ok());
    }
}
