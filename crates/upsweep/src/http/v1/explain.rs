//! Everything about one name.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use serde::Deserialize;
use upsweep_engine::binding;
use upsweep_engine::explain::explain;
use upsweep_engine::ports::Silent;
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::input::Query;
use super::text::{NAME_MAX, Name, name, name_pattern, text};
use super::view::Explanation;
use crate::http::problem::{Code, Problem};
use crate::service::Service;
use crate::wire::{self, Need};

/// Which file.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// The file's name below the upload directory, whether it is there or not. What is no UTF-8 is percent-encoded byte
    /// by byte.
    #[param(value_type = KeyText, inline)]
    #[expect(dead_code, reason = "read out of the raw query, which may be no UTF-8")]
    key: String,
}

struct KeyText;

impl ToSchema for KeyText {}

impl PartialSchema for KeyText {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        text(1, NAME_MAX, Some(&name_pattern())).into()
    }
}

/// Explain a file
///
/// Its verdict, every rule that was asked, and what is known of it. Makes a survey, and changes nothing.
#[utoipa::path(get, path = "/explain", tag = "store", params(Which), responses(
    (status = 200, description = "What is known", body = Explanation)
))]
pub(super) async fn explain_file(
    State(service): State<Arc<Service>>,
    Query(Which { .. }): Query<Which>,
    RawQuery(query): RawQuery,
) -> Result<Json<Explanation>, Problem> {
    let Name(key) = asked(query.as_deref().unwrap_or_default())
        .map_err(|cause| Problem::new(Code::InvalidParameter, format!("the query: key: {cause}")))?;
    service.databases_answer().await?;
    let told = service.apart(move |service| {
        let told = wire::with_world(service.config(), Need::Claims, &Silent, |world| {
            let bond = binding::examine(world.store, world.home)?;
            let ledger = match &bond.marker {
                Some(marker) => Some(binding::open_ledger(world.store, world.home, marker)?),
                None => None,
            };
            Ok(explain(world, &bond, ledger.as_deref(), &key)?)
        });
        told.map_err(|error| Problem::of_error(&error))
    });
    Ok(Json(told.await?.into()))
}

/// The name in a query, byte for byte.
fn asked(query: &str) -> Result<Name, String> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("key=")).unwrap_or_default();
    let bytes = decoded(value.as_bytes());
    if String::from_utf8_lossy(&bytes).chars().count() > NAME_MAX {
        return Err(format!("a name has at most {NAME_MAX} characters"));
    }
    name(&bytes)
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| text.get(at).and_then(|b| (*b as char).to_digit(16));
    let (mut bytes, mut at) = (Vec::with_capacity(text.len()), 0);
    while let Some(&b) = text.get(at) {
        let encoded = match (b, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => u8::try_from(high * 16 + low).ok(),
            _ => None,
        };
        bytes.push(encoded.unwrap_or(if b == b'+' { b' ' } else { b }));
        at += if encoded.is_some() { 3 } else { 1 };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_byte_for_byte() {
        let read = |query: &str| asked(query).map(|Name(key)| key.as_bytes().to_vec());
        assert_eq!(read("key=a%20b+c.m4a").unwrap(), b"a b c.m4a");
        assert_eq!(read("key=%C3%BC%ff").unwrap(), [0xc3, 0xbc, 0xff]);
        assert_eq!(read("key=100%").unwrap(), b"100%");
        assert_eq!(read("key=%2").unwrap(), b"%2");
        assert_eq!(read("key=%+f").unwrap(), b"% f");
        for wrong in ["key=", "key=..%2Fa", "key=%00", ""] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
