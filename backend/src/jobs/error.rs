//! How a job ends when it does not end well.

/// Retry what may pass; fail what cannot.
#[derive(Debug)]
pub enum JobError {
    Retry(anyhow::Error),
    Fail(anyhow::Error),
}

impl JobError {
    /// It may go better later.
    pub fn retry(cause: impl Into<anyhow::Error>) -> Self {
        Self::Retry(cause.into())
    }

    /// It will never go better.
    pub fn fail(cause: impl Into<anyhow::Error>) -> Self {
        Self::Fail(cause.into())
    }
}

impl From<sqlx::Error> for JobError {
    fn from(error: sqlx::Error) -> Self {
        Self::retry(error)
    }
}
