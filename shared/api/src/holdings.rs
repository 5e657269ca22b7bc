//! What the routes share that handle files.

use std::sync::Arc;

use runtime::{Error, clients::Clients, config::Environment};
use store::Bucket;

use crate::Mutations;

/// The table with the manners of mutating calls, and the bucket.
#[derive(Clone)]
pub struct AppState {
    /// The table.
    pub mutations: Mutations,
    /// The bucket.
    pub bucket: Bucket,
}

impl AppState {
    /// Those that the environment names. Opens the connection to the table on the way.
    ///
    /// # Errors
    /// A variable is missing; it is named.
    pub async fn open(environment: &Environment) -> Result<Self, Error> {
        Self::open_with(environment, &Arc::new(Clients::new(environment)?)).await
    }

    /// The same, for whoever needs other clients besides.
    ///
    /// # Errors
    /// A variable is missing; it is named.
    pub async fn open_with(environment: &Environment, clients: &Arc<Clients>) -> Result<Self, Error> {
        Ok(Self {
            bucket: Bucket::new(clients.s3().clone(), environment.required("BUCKET")?),
            mutations: Mutations::open(environment, clients).await?,
        })
    }
}
