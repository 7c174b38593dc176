//! The SDK takes an XML document that ends early for a whole one, with what came so far in it. To us the rest would look
//! gone, so answers are checked for their end.

use aws_sdk_ec2::{
    config::{ConfigBag, Intercept, RuntimeComponents, interceptors::AfterDeserializationInterceptorContextRef},
    error::BoxError,
};

/// Refuses answers of EC2 that are not whole: each ends with `</…Response>` (EC2 API reference).
#[derive(Debug)]
pub(super) struct WholeAnswers;

impl Intercept for WholeAnswers {
    fn name(&self) -> &'static str {
        "WholeAnswers"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response();
        let is_whole = answer.body().bytes().is_some_and(|body| body.trim_ascii_end().ends_with(b"Response>"));
        if answer.status().is_success() && !is_whole { Err("the XML document ends early".into()) } else { Ok(()) }
    }
}
