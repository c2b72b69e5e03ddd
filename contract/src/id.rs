//! Typed, prefixed identifiers: `org_06b9k2…`. A UUIDv7 inside, so they sort by creation; 26
//! lower-case base32hex characters outside, so they double-click as one word.

use crate::Timestamp;
use data_encoding::BASE32HEX_NOPAD;
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// Random bytes that one identifier takes.
pub type IdEntropy = [u8; 10];

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("expected an identifier that starts with `{expected}_`")]
    Prefix { expected: &'static str },
    #[error("`{prefix}_` must be followed by 26 characters of 0-9 and a-v")]
    Body { prefix: &'static str },
}

/// Builds the UUIDv7 of `at` with `entropy` as its random part.
#[must_use]
pub fn uuid_v7(at: Timestamp, entropy: &IdEntropy) -> Uuid {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, entropy).into_uuid()
}

/// The instant that an identifier was made of, to the millisecond. Nothing when it is no UUIDv7, as
/// none of ours is.
#[must_use]
pub fn instant_of(uuid: &Uuid) -> Option<Timestamp> {
    if uuid.get_version_num() != 7 {
        return None;
    }
    let millis = i64::try_from(uuid.as_u64_pair().0 >> 16).ok()?;
    chrono::DateTime::from_timestamp_millis(millis)
}

/// Characters after the underscore.
const DIGITS: usize = 26;

/// The part after the underscore, eight digits at once: gateways write two dozen of these for each
/// call.
fn encode(uuid: &Uuid) -> [u8; DIGITS] {
    let (high, low) = uuid.as_u64_pair();
    let mut text = [0; DIGITS.next_multiple_of(8)];
    // The last digit has three bits of the identifier and two zeros.
    let parts = [high >> 24, high << 16 | low >> 48, low >> 8, low << 32];
    for (digits, part) in text.as_chunks_mut().0.iter_mut().zip(parts) {
        *digits = eight_digits(part);
    }
    text.first_chunk().copied().unwrap_or_default()
}

/// The lowest 40 bits in base32hex, the highest digit first.
fn eight_digits(bits: u64) -> [u8; 8] {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // Halves, quarters and eighths apart, until each byte has a digit.
    let bits = (bits & 0xff_fff0_0000) << 12 | bits & 0xf_ffff;
    let bits = (bits & 0x000f_fc00_000f_fc00) << 6 | bits & 0x0000_03ff_0000_03ff;
    let bits = (bits & 0x03e0_03e0_03e0_03e0) << 3 | bits & 0x001f_001f_001f_001f;
    // A digit from ten on reaches its byte's highest bit, and none the next byte.
    let letters = (bits + ONES * (128 - 10)) >> 7 & ONES;
    (bits + ONES * u64::from(b'0') + letters * u64::from(b'a' - 10 - b'0')).to_be_bytes()
}

fn decode(body: &str) -> Option<Uuid> {
    if body.len() != 26 || body.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    let bytes = BASE32HEX_NOPAD.decode(body.to_ascii_uppercase().as_bytes()).ok()?;
    Uuid::from_slice(&bytes).ok()
}

/// What every identifier is.
pub trait Id: Copy + fmt::Display + FromStr<Err = IdError> {
    /// What its text starts with, before the underscore.
    const PREFIX: &'static str;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(transparent))]
        pub struct $name(pub Uuid);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            /// A new identifier of the instant `at`.
            #[must_use]
            pub fn new(at: Timestamp, entropy: &IdEntropy) -> Self {
                Self(uuid_v7(at, entropy))
            }

            /// The instant it was made of, to the millisecond.
            #[must_use]
            pub fn instant(self) -> Option<Timestamp> {
                instant_of(&self.0)
            }

            /// Appends the text form.
            pub fn write_to(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(concat!($prefix, "_").as_bytes());
                out.extend_from_slice(&encode(&self.0));
            }
        }

        impl Id for $name {
            const PREFIX: &'static str = $prefix;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!($prefix, "_"))?;
                f.write_str(std::str::from_utf8(&encode(&self.0)).unwrap_or_default())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let body = text
                    .strip_prefix($prefix)
                    .and_then(|rest| rest.strip_prefix('_'))
                    .ok_or(IdError::Prefix { expected: $prefix })?;
                decode(body).map(Self).ok_or(IdError::Body { prefix: $prefix })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .pattern(Some(concat!("^", $prefix, "_[0-9a-v]{26}$")))
                    .build()
                    .into()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}
    )*};
}

ids! {
    /// A person who signs in.
    PersonId = "per";
    /// A tenant.
    OrgId = "org";
    InvitationId = "inv";
    TeamId = "team";
    AppId = "app";
    /// An API key (not its secret).
    KeyId = "key";
    ProviderId = "prov";
    ModelId = "mdl";
    DeploymentId = "dep";
    ModelVersionId = "mdv";
    /// Another name for a model.
    AliasId = "als";
    /// A name that leads elsewhere from an instant on.
    CutOverId = "cut";
    BrownOutId = "brn";
    RouteId = "rte";
    RouteVersionId = "rtv";
    PriceId = "price";
    ProductId = "prod";
    PlanId = "plan";
    SubscriptionId = "sub";
    LimitId = "lim";
    /// Gateways know a budget as the limit of the same UUID.
    BudgetId = "bud";
    /// More money for a budget, for a while.
    RaiseId = "raise";
    WebhookId = "hook";
    /// One message on its way to one webhook.
    DeliveryId = "whd";
    /// Something that happened, as webhooks tell it.
    EventId = "evt";
    LimitOverrideId = "ovr";
    /// One call through the gateway; also the idempotency key of its money.
    RequestId = "req";
    /// One control API request, for support.
    CallId = "call";
    /// A group of ledger entries that balance.
    LedgerTransactionId = "ltx";
    /// Money that an org has paid ahead or was given.
    CreditId = "crd";
    AuditId = "aud";
    JobId = "job";
    MailId = "mail";
    /// A usage event that could not be booked.
    LetterId = "letter";
    /// One gateway process, new at each start.
    GatewayId = "gw";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_form_and_refuses_another_kind() {
        let at = chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let id = OrgId::new(at, &[7; 10]);
        assert_eq!(id.to_string().parse::<OrgId>().unwrap(), id);
        assert_eq!(id.to_string().parse::<AppId>(), Err(IdError::Prefix { expected: "app" }));
        assert!(id.to_string().to_uppercase().parse::<OrgId>().is_err());
        assert!("org_".parse::<OrgId>().is_err());
    }

    #[test]
    fn an_id_tells_the_millisecond_it_was_made_of() {
        let at = chrono::DateTime::from_timestamp(1_700_000_000, 987_654_321).unwrap();
        let millis = chrono::DateTime::from_timestamp(1_700_000_000, 987_000_000).unwrap();
        assert_eq!(RequestId::new(at, &[7; 10]).instant(), Some(millis));
        assert_eq!(RequestId(Uuid::from_u128(1)).instant(), None);
        assert_eq!(RequestId(Uuid::max()).instant(), None);
    }

    #[test]
    fn the_text_is_base32hex_of_the_bytes() {
        let at = chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        for n in 0..=255_u8 {
            let id = LedgerTransactionId::new(at, &[n, 1, n, 2, n, 3, n, 4, n, 5]);
            let reference = BASE32HEX_NOPAD.encode(id.0.as_bytes()).to_ascii_lowercase();
            assert_eq!(id.to_string(), format!("ltx_{reference}"));
        }
    }

    #[test]
    fn later_ids_sort_after_earlier_ones_as_text() {
        let at = |s| chrono::DateTime::from_timestamp(s, 0).unwrap();
        let a = OrgId::new(at(1_700_000_000), &[255; 10]).to_string();
        let b = OrgId::new(at(1_700_000_001), &[0; 10]).to_string();
        assert!(a < b);
    }
}
