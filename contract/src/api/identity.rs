//! Signing up, signing in, and who one is.

use super::shape;
use crate::id::{OrgId, PersonId};
use crate::role::Role;
use chrono::{DateTime, Utc};

shape! {
    /// `POST /v1/sign-up`. The answer is the same whether or not the address is known.
    pub struct SignUp {
        pub email: String,
        /// 12 to 256 characters.
        pub password: String,
        /// What to call the person, 1 to 100 characters.
        pub name: String,
        /// Name of the organisation to create, 1 to 100 characters.
        pub org_name: String,
    }

    /// The neutral answer to anything that may send a mail.
    pub struct CheckMail {
        /// The address as it was understood.
        pub email: String,
    }

    /// `POST /v1/verify-email` and `POST /v1/accept-invitation`: the token of a mailed link.
    pub struct TokenBody {
        pub token: String,
    }

    /// `POST /v1/resend-verification` and `POST /v1/recover`.
    pub struct EmailBody {
        pub email: String,
    }

    /// `POST /v1/reset-password`.
    pub struct ResetPassword {
        pub token: String,
        pub password: String,
    }

    /// `POST /v1/sign-in`.
    pub struct SignIn {
        pub email: String,
        pub password: String,
    }

    /// `GET /v1/me`; also the answer to signing in and to verifying an address.
    pub struct Me {
        pub id: PersonId,
        pub email: String,
        pub name: String,
        pub is_operator: bool,
        pub created_at: DateTime<Utc>,
        pub orgs: Vec<Membership>,
    }

    /// An org one belongs to.
    pub struct Membership {
        pub org_id: OrgId,
        pub slug: String,
        pub name: String,
        pub role: Role,
    }
}
