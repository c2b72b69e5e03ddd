//! The addresses of the Open Inference Protocol, and of Triton's text generation beside it.

use super::surface::{Entrance, Kind, Surface, decode, unknown};
use crate::fault::Fault;
use contract::usage::Operation;
use dialect::Wire;
use dialect::inference::Form;
use http::Method;

/// What is asked of a model without calling it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    pub model: String,
    /// `None`: the one that the server prefers.
    pub version: Option<String>,
    pub what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Its tensors and versions.
    Metadata,
    /// Whether it can be called.
    Ready,
}

/// What `/v2/models/{rest}` serves: `{model}[/versions/{version}][/{what}]`, with the method that
/// it wants. A model's name may hold slashes.
pub(super) fn model(method: &Method, rest: &str) -> Result<(Surface, &'static str), Fault> {
    let call = |named: &str, operation, stream, kind: fn(Option<String>) -> Kind| {
        let (model, version) = named_version(named);
        let (model, kind) = (Some(model), kind(version));
        Surface::Call(Entrance { operation, wire: Wire::Chat, model, stream: Some(stream), kind })
    };
    let tensors = |version| Kind::Tensors { version, form: Form::Json };
    let text = |version| Kind::Text { version };
    let about = |named: &str, what| {
        let (model, version) = named_version(named);
        Surface::About(About { model, version, what })
    };
    let served = match rest.rsplit_once('/') {
        Some((named, "infer")) => (call(named, Operation::Predict, false, tensors), "POST"),
        Some((named, "generate")) => (call(named, Operation::Chat, false, text), "POST"),
        Some((named, "generate_stream")) => (call(named, Operation::Chat, true, text), "POST"),
        Some((named, "ready")) => (about(named, What::Ready), "GET"),
        _ if *method == Method::GET => (about(rest, What::Metadata), "GET"),
        _ => return Err(unknown()),
    };
    Ok(served)
}

fn named_version(named: &str) -> (String, Option<String>) {
    match named.rsplit_once("/versions/") {
        Some((model, version)) => (decode(model), Some(decode(version))),
        None => (decode(named), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admit::surface;

    #[test]
    fn an_address_names_the_model_its_version_and_what_is_asked() {
        let about = |path: &str| match surface(&Method::GET, path, None).unwrap() {
            Surface::About(about) => (about.model, about.version, about.what),
            other => panic!("{other:?}"),
        };
        let is = |model: &str, version: Option<&str>, what| {
            (model.to_owned(), version.map(str::to_owned), what)
        };
        assert_eq!(about("/v2/models/house/iris"), is("house/iris", None, What::Metadata));
        assert_eq!(about("/v2/models/a%2Fb/versions/3"), is("a/b", Some("3"), What::Metadata));
        assert_eq!(about("/v2/models/m/versions/3/ready"), is("m", Some("3"), What::Ready));
        assert_eq!(about("/v2/models/m/ready"), is("m", None, What::Ready));
        let kind = |path: &str| match surface(&Method::POST, path, None).unwrap() {
            Surface::Call(entrance) => (entrance.operation, entrance.stream, entrance.kind),
            other => panic!("{other:?}"),
        };
        let version = Some("3".to_owned());
        assert_eq!(
            kind("/v2/models/m/versions/3/infer"),
            (
                Operation::Predict,
                Some(false),
                Kind::Tensors { version: version.clone(), form: Form::Json }
            )
        );
        assert_eq!(
            kind("/v2/models/m/versions/3/generate_stream"),
            (Operation::Chat, Some(true), Kind::Text { version })
        );
        for (method, path) in [
            (Method::POST, "/v2/models/m"),
            (Method::POST, "/v2/models/m/ready"),
            (Method::GET, "/v2/models/m/infer"),
            (Method::POST, "/v2"),
        ] {
            assert!(surface(&method, path, None).is_err(), "{method} {path}");
        }
    }
}
