//! Signing up, verifying, signing in and out.

use super::Backend;
use crate::fault::Fault;
use contract::api::identity::{
    CheckMail, EmailBody, Me, Membership, ResetPassword, SignIn, SignUp, TokenBody,
};

impl Backend<'_> {
    /// # Errors
    /// [`Fault::SignIn`] when nobody is signed in.
    pub async fn me(&self) -> Result<Me, Fault> {
        self.get(&["me"], &[]).await
    }

    /// # Errors
    /// Refusals of fields.
    pub async fn sign_up(&self, key: &str, body: &SignUp) -> Result<CheckMail, Fault> {
        self.post(&["sign-up"], key, body).await
    }

    /// # Errors
    /// Refusals of the address, or too many mails.
    pub async fn resend_verification(&self, key: &str, email: &str) -> Result<CheckMail, Fault> {
        let body = EmailBody { email: email.to_owned() };
        self.post(&["resend-verification"], key, &body).await
    }

    /// Confirms an address and signs in.
    ///
    /// # Errors
    /// `session.token_invalid` when the link was used or is too old.
    pub async fn verify_email(&self, key: &str, token: &str) -> Result<Me, Fault> {
        self.post(&["verify-email"], key, &TokenBody { token: token.to_owned() }).await
    }

    /// # Errors
    /// `session.refused`, `session.throttled`, `session.email_unverified`.
    pub async fn sign_in(&self, key: &str, body: &SignIn) -> Result<Me, Fault> {
        self.post(&["sign-in"], key, body).await
    }

    /// Asks for a mail with a link to choose a new password.
    ///
    /// # Errors
    /// Refusals of the address, or too many mails.
    pub async fn recover(&self, key: &str, email: &str) -> Result<CheckMail, Fault> {
        self.post(&["recover"], key, &EmailBody { email: email.to_owned() }).await
    }

    /// Sets a new password and signs in.
    ///
    /// # Errors
    /// Refusals of the password; `session.token_invalid` when the link was used or is too old.
    pub async fn reset_password(&self, key: &str, body: &ResetPassword) -> Result<Me, Fault> {
        self.post(&["reset-password"], key, body).await
    }

    /// Joins the org of a mailed invitation.
    ///
    /// # Errors
    /// `session.token_invalid`, `invitation.other_address`.
    pub async fn accept_invitation(&self, key: &str, token: &str) -> Result<Membership, Fault> {
        self.post(&["accept-invitation"], key, &TokenBody { token: token.to_owned() }).await
    }

    /// # Errors
    /// When the control API does not answer.
    pub async fn sign_out(&self, key: &str) -> Result<(), Fault> {
        self.post(&["sign-out"], key, &()).await
    }
}
