//! Answers that are kept, and throwing them away.

use super::shape;
use crate::snapshot::Purges;

shape! {
    /// `POST /v1/orgs/{org}/cache/purge`, and operators: `POST /v1/admin/products/{product}/cache/purge`.
    /// No call that is made from now on is given an answer that was kept before.
    pub struct CachePurged {
        /// How often that was done.
        pub purges: Purges,
    }
}
