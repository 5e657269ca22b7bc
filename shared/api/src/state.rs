//! Holds what the handlers share that work with files.

use std::sync::Arc;

use runtime::{Error, clients::Clients, config::Environment};
use store::{Bucket, Distribution};

use crate::mutation::Mutations;

/// Holds the table, with the mutating requests, and the bucket.
#[derive(Clone)]
pub struct AppState {
    /// The table.
    pub mutations: Mutations,
    /// The bucket.
    pub bucket: Bucket,
}

impl AppState {
    /// Opens the table and the bucket that the environment names, and connects to the table.
    ///
    /// # Errors
    /// A variable is missing; the error names it.
    pub async fn open(environment: &Environment) -> Result<Self, Error> {
        Self::open_with(environment, &Arc::new(Clients::new(environment)?)).await
    }

    /// Does what [`open`](Self::open) does, with clients that the function shares with others.
    ///
    /// # Errors
    /// A variable is missing; the error names it.
    pub async fn open_with(environment: &Environment, clients: &Arc<Clients>) -> Result<Self, Error> {
        Ok(Self { bucket: open_bucket(environment, clients)?, mutations: Mutations::open(environment, clients).await? })
    }
}

/// Opens the bucket that the environment names. Links lead to the distribution `MEDIA_HOST` with the key `MEDIA_KEY`, or to S3
/// where there is none.
///
/// # Errors
/// A variable is missing; the error names it.
pub fn open_bucket(environment: &Environment, clients: &Clients) -> Result<Bucket, Error> {
    let host = environment.optional("MEDIA_HOST");
    let distribution = host.map(|host| Ok::<_, Error>(Distribution::new(host, &environment.required("MEDIA_KEY")?)));
    Ok(Bucket::new(clients.s3().clone(), environment.required("BUCKET")?).behind(distribution.transpose()?))
}
