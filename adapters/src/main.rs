//! `drawbridge`: wiring only. As a Lambda function when its runtime starts it, as a command otherwise.

use std::{env, path::Path, process::ExitCode};

use drawbridge::{
    cli, deployment,
    exit::Exit,
    lambda,
    live::{Deployment, NotReady},
    logging,
    settings::FILE_VARIABLE,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if env::var_os("AWS_LAMBDA_RUNTIME_API").is_none() {
        return cli::run().await;
    }
    let deployment = match prepare().await {
        Ok(deployment) => deployment,
        Err(error) => {
            error.0.lines().for_each(|line| tracing::error!("{line}"));
            return Exit::Failed.into();
        }
    };
    match lambda::serve(deployment).await {
        Ok(()) => Exit::Done.into(),
        Err(error) => {
            tracing::error!("the Lambda runtime API: {error}");
            Exit::Failed.into()
        }
    }
}

/// What a function needs before its first invocation.
async fn prepare() -> Result<Deployment, NotReady> {
    logging::as_json()?;
    deployment::from_environment(env::var_os(FILE_VARIABLE).as_deref().map(Path::new)).await
}
