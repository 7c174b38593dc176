//! `drawbridge`: wiring only. As a Lambda function when its runtime starts it, as a command otherwise.

use std::process::ExitCode;

use drawbridge::{cli, deployment, lambda, logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_none() {
        return cli::run().await;
    }
    logging::as_json();
    let deployment =
        match deployment::from_environment(std::env::var_os("DRAWBRIDGE_CONFIG").as_deref().map(AsRef::as_ref)).await {
            Ok(deployment) => deployment,
            Err(error) => {
                error.0.lines().for_each(|line| tracing::error!("{line}"));
                return ExitCode::FAILURE;
            }
        };
    match lambda::serve(deployment).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("the Lambda runtime API: {error}");
            ExitCode::FAILURE
        }
    }
}
