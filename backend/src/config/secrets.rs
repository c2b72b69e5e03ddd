//! The installation's own secrets. Both types hide themselves in Debug.

use base64::Engine as _;
use contract::key::KeyPepper;
use contract::seal::MasterKey;

#[derive(Debug, Clone, clap::Args)]
pub struct Secrets {
    /// Seals secrets at rest: 32 random bytes in base64.
    #[arg(long, env = "TOLLGATE_MASTER_KEY", hide_env_values = true, value_parser = master_key)]
    pub master_key: MasterKey,
    /// Hashes API keys: 32 random bytes in base64. Changing it makes every key unknown.
    #[arg(long, env = "TOLLGATE_KEY_PEPPER", hide_env_values = true, value_parser = key_pepper)]
    pub key_pepper: KeyPepper,
}

const EXPECTED: &str = "expected 32 bytes in base64; make some with: openssl rand -base64 32";

fn master_key(text: &str) -> Result<MasterKey, String> {
    MasterKey::from_base64(text).ok_or_else(|| EXPECTED.to_owned())
}

fn key_pepper(text: &str) -> Result<KeyPepper, String> {
    base64::engine::general_purpose::STANDARD
        .decode(text.trim())
        .ok()
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
        .map(KeyPepper::new)
        .ok_or_else(|| EXPECTED.to_owned())
}
