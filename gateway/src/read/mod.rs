//! The third room: the body, and what it asks for. Unknown fields stay untouched.

mod native;

pub use native::NativeCall;

use crate::admit::{About, Entrance, Kind, Stamp, Surface};
use crate::fault::Fault;
use crate::identify::Principal;
use crate::snapshot::DeploymentView;
use crate::worker::Bounds;
use bytes::{Bytes, BytesMut};
use contract::error::ErrorCode;
use contract::snapshot::Dialect;
use contract::usage::{Operation, Units};
use dialect::convert::Address;
use dialect::neutral::Request;
use dialect::openai::{self, Ask};
use dialect::{Invalid, Wire, inference, media};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use std::cell::OnceCell;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::timeout;

/// A call of a model, read but not yet permitted.
#[derive(Debug)]
pub struct Call {
    pub principal: Principal,
    pub operation: Operation,
    /// What the caller speaks.
    pub wire: Wire,
    /// What the address says besides.
    pub kind: Kind,
    /// To whom alone, where it is in a provider's own words.
    pub native: Option<Box<NativeCall>>,
    pub body: Bytes,
    pub ask: Ask,
    /// Of pictures, voices and judgements: how much is asked for.
    pub media: Option<media::Asked>,
    /// What it will use beside tokens, as far as the request tells.
    pub units: Units,
    /// Read only where a provider speaks something else.
    neutral: OnceCell<Box<Request>>,
}

impl Call {
    /// Whether a deployment's provider has such calls, and is the one that is meant.
    #[must_use]
    pub fn may_go_to(&self, deployment: &DeploymentView) -> bool {
        match (&self.native, &self.kind) {
            (Some(native), _) => deployment.provider.id() == native.provider,
            (None, Kind::Text { .. }) => deployment.provider.speaks(Dialect::Oip),
            (None, _) => deployment.serves(self.operation),
        }
    }

    /// Tokens that the model reads, counted by the text. Tensors have none.
    #[must_use]
    pub const fn tokens_read(&self) -> u64 {
        match self.kind {
            Kind::Tensors { .. } => 0,
            _ => self.ask.text_bytes.div_ceil(openai::TEXT_BYTES_PER_TOKEN),
        }
    }

    /// The same call once more, for whoever `stamp` says.
    #[must_use]
    pub fn copied(&self, stamp: Rc<Stamp>) -> Self {
        Self {
            principal: self.principal.of_copy(stamp),
            operation: self.operation,
            wire: self.wire,
            kind: self.kind.clone(),
            native: None,
            body: self.body.clone(),
            ask: self.ask.clone(),
            media: self.media.clone(),
            units: self.units,
            neutral: OnceCell::new(),
        }
    }

    /// What is asked for, whoever it is told to.
    ///
    /// # Errors
    /// [`Invalid`] with the field.
    pub fn neutral(&self) -> Result<&Request, Invalid> {
        if let Some(known) = self.neutral.get() {
            return Ok(known);
        }
        let dialect = self.wire.inbound().ok_or_else(|| Invalid {
            code: ErrorCode::ModelOperation,
            param: None,
            detail: "The model's provider does not speak this dialect.".into(),
        })?;
        let at = Address { model: Some(&self.ask.model), stream: Some(self.ask.stream) };
        let request = dialect.read_request(&self.body, &at)?;
        Ok(self.neutral.get_or_init(|| Box::new(request)))
    }
}

/// What a known caller asks for.
#[derive(Debug)]
pub enum Asked {
    Call(Box<Call>),
    ListModels(Principal),
    ShowModel(Principal, String),
    About(Principal, About),
    Server(Principal),
}

/// Reads the body, up to its bound, and finds what the gateway must know of it.
///
/// # Errors
/// `request.too_large`, `request.timeout`, `request.not_json`, `request.malformed`.
pub async fn read(bounds: &Bounds, mut principal: Principal) -> Result<Asked, Fault> {
    let (entrance, native) = match principal.surface {
        Surface::Call(ref entrance) => (entrance.clone(), None),
        Surface::Native(ref asked) => {
            let (native, known, model) = native::find(&principal.stamp.snapshot, asked)?;
            let entrance = Entrance {
                operation: known.operation,
                wire: known.wire,
                model,
                stream: known.stream,
                kind: Kind::Usual,
            };
            (entrance, Some(Box::new(native)))
        }
        Surface::ListModels => return Ok(Asked::ListModels(principal)),
        Surface::ShowModel(ref mut name) => {
            let name = std::mem::take(name);
            return Ok(Asked::ShowModel(principal, name));
        }
        Surface::About(ref about) => {
            let about = about.clone();
            return Ok(Asked::About(principal, about));
        }
        Surface::Server => return Ok(Asked::Server(principal)),
    };
    let Entrance { operation, wire, model, stream, kind } = entrance;
    let body = match principal.body.take() {
        Some(mut body) => whole(&mut body, bounds).await?,
        None => Bytes::new(),
    };
    let at = Address { model: model.as_deref(), stream };
    let (mut media, mut units) = (None, Units::default());
    let mut ask = match (&kind, operation, at.model) {
        (Kind::Media(task), ..) => {
            let form = principal.passed_on.form.as_ref();
            let form = form.map(|kind| kind.to_str().unwrap_or_default());
            let (ask, asked) = media::read(*task, &body, form)?;
            media = Some(asked);
            ask
        }
        _ if native.is_some() => native::read(&body, wire, &at)?,
        (Kind::Tensors { form, .. }, _, Some(model)) => {
            let (ask, tensors) = inference::read_request(&body, *form, model)?;
            units.rows = tensors.rows;
            ask
        }
        (Kind::Text { .. }, _, Some(model)) => {
            inference::read_generate(&body, model, stream == Some(true))?
        }
        (_, Operation::Embeddings | Operation::Rerank, None) => {
            openai::read_request(&body, operation)?
        }
        _ => openai::read_call(&body, wire, &at)?,
    };
    // Whatever their bodies say.
    ask.stream &=
        !matches!(operation, Operation::CountTokens | Operation::Embeddings | Operation::Rerank);
    if matches!(operation, Operation::Chat | Operation::CountTokens) && !kind.is_of_server() {
        dialect::stored::refuse(wire, &body)?;
    }
    let neutral = OnceCell::new();
    Ok(Asked::Call(Box::new(Call {
        principal,
        operation,
        wire,
        kind,
        native,
        body,
        ask,
        media,
        units,
        neutral,
    })))
}

async fn whole(body: &mut Incoming, bounds: &Bounds) -> Result<Bytes, Fault> {
    let max = bounds.body_bytes_max;
    let announced = body.size_hint().exact().and_then(|len| usize::try_from(len).ok());
    if announced.is_some_and(|len| len > max) {
        return Err(too_large(max));
    }
    let Some(first) = frame(body, bounds.body_timeout).await? else { return Ok(Bytes::new()) };
    if announced == Some(first.len()) {
        return Ok(first);
    }
    let mut all = BytesMut::with_capacity(announced.unwrap_or(first.len()).min(1024 * 1024));
    all.extend_from_slice(&first);
    while let Some(next) = frame(body, bounds.body_timeout).await? {
        if all.len().saturating_add(next.len()) > max {
            return Err(too_large(max));
        }
        all.extend_from_slice(&next);
    }
    Ok(all.freeze())
}

/// The next bytes of the body; trailers are of no use to anyone.
async fn frame(body: &mut Incoming, silence_max: Duration) -> Result<Option<Bytes>, Fault> {
    loop {
        let frame = timeout(silence_max, body.frame()).await.map_err(|_| {
            Fault::client(ErrorCode::RequestTimeout, "The body did not arrive in time.")
        })?;
        match frame {
            None => return Ok(None),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(bytes) => return Ok(Some(bytes)),
                Err(_trailers) => {}
            },
            Some(Err(error)) => {
                return Err(Fault::client(
                    ErrorCode::RequestMalformed,
                    "The body ended before its announced length, or is not framed as HTTP asks.",
                )
                .because(error));
            }
        }
    }
}

fn too_large(max: usize) -> Fault {
    Fault::client(
        ErrorCode::RequestTooLarge,
        format!("The body is too large: at most {max} bytes are accepted."),
    )
}
