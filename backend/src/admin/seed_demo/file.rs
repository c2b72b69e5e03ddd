//! `demo.json`: who can sign in and which keys work. The only place where these are in clear, so
//! only its owner may read it.

use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Demo {
    pub portal_url: String,
    pub api_url: String,
    pub gateway_url: String,
    pub simulator_url: String,
    pub operator: Login,
    pub orgs: Vec<DemoOrg>,
    /// Names of models that can be called; the first is a chat model.
    pub models: Vec<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Login {
    pub email: String,
    pub password: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DemoOrg {
    pub slug: String,
    pub members: Vec<DemoMember>,
    pub apps: Vec<DemoApp>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DemoMember {
    pub email: String,
    pub password: String,
    pub role: contract::role::Role,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DemoApp {
    pub name: String,
    pub key: String,
}

impl Demo {
    /// The password that was given out for `email`.
    pub fn password(&self, email: &str) -> Option<&str> {
        let members = self.orgs.iter().flat_map(|org| &org.members);
        let logins = members.map(|member| (member.email.as_str(), member.password.as_str()));
        std::iter::once((self.operator.email.as_str(), self.operator.password.as_str()))
            .chain(logins)
            .find(|(known, _)| *known == email)
            .map(|(_, password)| password)
    }

    /// The key that was given out for the app `name` of the org `slug`.
    pub fn key(&self, slug: &str, name: &str) -> Option<&str> {
        let org = self.orgs.iter().find(|org| org.slug == slug)?;
        org.apps.iter().find(|app| app.name == name).map(|app| app.key.as_str())
    }
}

/// The file of an earlier run; an empty one when there was none, or when it is damaged: then
/// everything in it is given out anew.
///
/// # Errors
/// It is there and cannot be read.
pub fn read(path: &Path) -> std::io::Result<Demo> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Demo::default()),
        Err(error) => Err(error),
    }
}

/// Replaces the file in one step.
///
/// # Errors
/// The folder is missing or not writable.
pub fn write(path: &Path, demo: &Demo) -> std::io::Result<()> {
    let unfinished = path.with_extension("json.new");
    let _ = std::fs::remove_file(&unfinished);
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    serde_json::to_writer_pretty(&mut file, demo)?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)
}
