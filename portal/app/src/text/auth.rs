//! Signing up, verifying, signing in and out.

pub const SIGN_UP: &str = "Create your account";
pub const SIGN_UP_LEAD: &str = "One account, one key, every model. No card needed.";
pub const SIGN_UP_BUTTON: &str = "Create account";
pub const NAME: &str = "Your name";
pub const EMAIL: &str = "E-mail address";
pub const EMAIL_HINT: &str = "We send one mail to check that it is yours.";
pub const PASSWORD: &str = "Password";
pub const PASSWORD_HINT: &str = "At least 12 characters. A few words in a row are fine.";
pub const ORG_NAME: &str = "Organisation";
pub const ORG_NAME_HINT: &str = "Your company or team. You can invite others later.";
pub const HAVE_ACCOUNT: &str = "Have an account?";
pub const NO_ACCOUNT: &str = "New here?";

pub const SIGN_IN: &str = "Sign in";
pub const SIGN_IN_BUTTON: &str = "Sign in";
pub const WELCOME: &str = "You are signed in.";
pub const SIGNED_OUT: &str = "You are signed out.";

pub const CHECK_MAIL: &str = "Check your mail";
pub const CHECK_MAIL_WHY: &str =
    "It has a link that confirms your address and signs you in. The link works once.";
pub const CHECK_MAIL_UNKNOWN: &str = "We sent you a mail.";
pub const NO_MAIL: &str = "No mail after a minute? Look in the spam folder, or send it again.";
pub const RESEND: &str = "Send it again";
pub const RESENT: &str = "Sent. Only the link in the newest mail is sure to work.";
pub const LOCAL_MAILBOX: &str = "Open the local mailbox";
pub const LOCAL_MAILBOX_WHY: &str =
    "This is a local installation: mail does not leave this machine, it lands in a mailbox here.";

pub const VERIFY: &str = "Confirm your e-mail address";
pub const VERIFY_WHY: &str = "One click, and you are in.";
pub const VERIFY_BUTTON: &str = "Confirm and sign in";
pub const VERIFIED: &str = "Your address is confirmed. Welcome!";
pub const VERIFIED_OTHER: &str = "The address is confirmed. Sign in to go on.";
pub const LINK_DEAD: &str = "This link no longer works";
pub const LINK_DEAD_WHY: &str = "It was used already, or it is too old. If your address is confirmed, sign in. If not, ask for \
     a new mail.";

pub const FORGOT: &str = "Forgot your password?";
pub const RECOVER: &str = "Choose a new password";
pub const RECOVER_LEAD: &str = "We send you a link that works once, for one hour.";
pub const RECOVER_BUTTON: &str = "Send the link";
pub const RECOVER_SENT_WHY: &str =
    "If there is an account with this address, the mail has a link to choose a new password.";
pub const NEW_PASSWORD: &str = "New password";
pub const NEW_PASSWORD_LEAD: &str = "Setting it signs you out everywhere else.";
pub const NEW_PASSWORD_BUTTON: &str = "Set password and sign in";
pub const PASSWORD_SET: &str = "Your new password is set. All other sessions have ended.";
pub const ASK_AGAIN: &str = "Ask for a new link";

pub const INVITE: &str = "You are invited";
pub const INVITE_LEAD: &str = "Somebody asked you to join their organisation.";
pub const INVITE_BUTTON: &str = "Join";

/// Whom the invitation will be accepted as.
#[must_use]
pub fn joining_as(email: &str) -> String {
    format!("You are signed in as {email}.")
}

/// After accepting an invitation.
#[must_use]
pub fn joined(org: &str) -> String {
    format!("You are now a member of {org}.")
}

/// Where the mail went.
#[must_use]
pub fn sent_to(email: &str) -> String {
    format!("We sent a mail to {email}.")
}
