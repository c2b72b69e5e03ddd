//! Tensors for an endpoint with JSON of its own layout: told as the provider's settings say, and
//! its answer read back.

use super::send::{Given, JSON, ask, whole};
use super::server::worked_ms;
use super::speech::{Speech, Told};
use super::{Answered, failure::Failure};
use crate::admit::Kind;
use crate::fault::Fault;
use crate::meter::{Heard, Meter};
use crate::snapshot::DeploymentView;
use dialect::inference;
use dialect::sigv4::segment;
use http::{HeaderMap, header};
use tokio::time::{Instant, timeout_at};

/// Sends the call to one deployment.
pub(super) async fn send(
    meter: &Meter,
    deployment: &DeploymentView,
    deadline: Instant,
) -> Result<Given, Failure> {
    let call = &meter.permit.call;
    let map = deployment.provider.map().ok_or_else(Failure::not_served)?;
    let Kind::Tensors { version, form } = &call.kind else { return Err(Failure::not_served()) };
    let invalid = |invalid| Failure::never(Fault::from(invalid));
    if version.is_some() {
        let detail = "The model's provider has no versions of it. Leave `/versions/…` out.";
        return Err(invalid(dialect::Invalid::at("version", detail)));
    }
    let read = inference::read_request(&call.body, *form, &call.ask.model);
    let (_, asked) = read.map_err(invalid)?;
    let body = inference::write_mapped(&asked, map).map_err(invalid)?;
    let path = map.path.replace("{model}", &segment(&deployment.record.upstream_model));
    let speech = Speech::Server { versioned: false, mapped: true };
    let told = Told::new(speech, path, body.into());
    let (response, lease) = ask(meter, deployment, &told, deadline).await?;
    let read = timeout_at(deadline, whole(meter.answer_bytes_max(), response, lease)).await;
    let (headers, body) = read.map_err(|_| Failure::timeout())??;
    let name = &meter.permit.model.record.name;
    let body = inference::read_mapped(&body, map, name, &asked).map_err(Failure::malformed)?;
    let mut measure = meter.measure(Heard::NOTHING, || 0);
    measure.used.units.compute_ms = worked_ms(&headers, meter.working_ms());
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, JSON)]);
    Ok((headers, Answered::Whole { body: body.into(), measure }, None))
}
