//! The OpenAPI 3.1 document: what utoipa gathers from the handlers, plus what holds for every
//! operation (problem answers, the session, the headers of idempotency and versions), added here
//! once instead of in each handler.

use super::router;
use axum::response::IntoResponse;
use contract::error::Problem;
use http::header::CONTENT_TYPE;
use std::sync::LazyLock;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    Components, Content, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr,
    Required, Response, ResponseBuilder,
};
use utoipa::{PartialSchema as _, ToSchema as _};

pub(super) fn base() -> OpenApi {
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Tollgate control API")
                .version("1")
                .description(Some("Everything the portal does, for programs. Refusals are problem+json (RFC 9457) with a stable code.")),
        )
        .build()
}

/// The document as it is served and committed.
///
/// # Errors
/// Never in practice: the document has a JSON form.
pub fn document() -> serde_json::Result<String> {
    let (_, api) = router::routes();
    Ok(api.to_pretty_json()? + "\n")
}

static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().unwrap_or_default());

pub(super) async fn get_openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.as_str())
}

pub(super) fn finish(mut api: OpenApi) -> OpenApi {
    let components = components_of(&mut api);
    components.schemas.insert(Problem::name().into_owned(), Problem::schema());
    let mut schemas = Vec::new();
    Problem::schemas(&mut schemas);
    components.schemas.extend(schemas);
    let cookie = ApiKeyValue::with_description(
        crate::identity::session::COOKIE,
        "Set by signing in and by verifying an address.",
    );
    components
        .security_schemes
        .insert("session".to_owned(), RefOr::T(SecurityScheme::ApiKey(ApiKey::Cookie(cookie))));
    let key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("tg_…")
        .description(Some("An API key. It sees its own app only."))
        .build();
    components.security_schemes.insert("key".to_owned(), RefOr::T(SecurityScheme::Http(key)));
    let mut patched = Vec::new();
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in operations(item) {
            complete(path, method, operation);
            if method == "PATCH" {
                patched.extend(body_schema(operation));
            }
        }
    }
    for name in patched {
        if let Some(RefOr::T(Schema::Object(object))) =
            components_of(&mut api).schemas.get_mut(&name)
        {
            // What is absent from a PATCH stays as it is.
            object.required.clear();
        }
    }
    api
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("GET", &mut item.get),
        ("POST", &mut item.post),
        ("PUT", &mut item.put),
        ("PATCH", &mut item.patch),
        ("DELETE", &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.as_mut().map(|operation| (method, operation)))
}

fn components_of(api: &mut OpenApi) -> &mut Components {
    api.components.get_or_insert_default()
}

/// The name of the schema of an operation's JSON body.
fn body_schema(operation: &Operation) -> Option<String> {
    let RefOr::T(body) = operation.request_body.as_ref()? else { return None };
    name_of(body.content.get("application/json")?)
}

/// The name of the schema of an operation's 200.
fn answer_schema(operation: &Operation) -> Option<String> {
    let RefOr::T(answer) = operation.responses.responses.get("200")? else { return None };
    name_of(answer.content.get("application/json")?)
}

fn name_of(content: &RefOr<Content>) -> Option<String> {
    let RefOr::T(content) = content else { return None };
    match content.schema.as_ref()? {
        RefOr::Ref(reference) => reference.ref_location.rsplit('/').next().map(str::to_owned),
        RefOr::T(_) => None,
    }
}

fn complete(path: &str, method: &str, operation: &mut Operation) {
    let is_open = super::stack::OPEN.contains(&(method, path));
    let is_page = answer_schema(operation).is_some_and(|name| name.starts_with("Page_"));
    let creates = operation.responses.responses.contains_key("201");
    let parameters = operation.parameters.get_or_insert_default();
    for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        parameters.push(text(name, ParameterIn::Path, path_help(name)));
    }
    if creates && !is_open {
        parameters.push(text(
            "Idempotency-Key",
            ParameterIn::Header,
            "New for each thing to create; the same on a retry.",
        ));
    }
    if is_page {
        parameters.push(optional("cursor", "`next` of the page before; absent: the first page."));
        parameters.push(optional("limit", "Rows in a page, 1 to 100; absent: 25."));
    }
    if method == "PATCH" {
        parameters.push(text("If-Match", ParameterIn::Header, "The ETag of what was edited."));
    }
    if super::stack::WITH_KEY.contains(&(method, path)) {
        operation.security = Some(vec![SecurityRequirement::new("key", [""; 0])]);
    } else if !is_open {
        operation.security = Some(vec![SecurityRequirement::new("session", [""; 0])]);
    }
    operation.responses.responses.insert("default".to_owned(), RefOr::T(problem()));
}

fn path_help(name: &str) -> &'static str {
    match name {
        "org" => "The organisation's slug or id.",
        _ => "The object's id.",
    }
}

fn text(name: &str, place: ParameterIn, help: &str) -> RefOr<Parameter> {
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(Required::True)
        .description(Some(help))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build();
    RefOr::T(parameter)
}

fn optional(name: &str, help: &str) -> RefOr<Parameter> {
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(help))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build();
    RefOr::T(parameter)
}

fn problem() -> Response {
    ResponseBuilder::new()
        .description("Refused.")
        .content(
            "application/problem+json",
            ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build(),
        )
        .build()
}
