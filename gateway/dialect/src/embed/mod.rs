//! Embeddings: texts in, vectors out, between the shapes of those who ask and those who answer.
//!
//! What a target cannot say is refused where the vectors would be others than those asked for, and
//! told otherwise:
//!
//! | | OpenAI | Gemini | Vertex AI | Cohere | Titan | watsonx | Ollama |
//! |---|---|---|---|---|---|---|---|
//! | texts a call | 2048 | 100 | 250, Gemini's 1 | 96 | 1 | 1000 | any |
//! | tokens instead of text | · | refused | refused | refused | refused | refused | refused |
//! | an image | refused | · | refused | · | its image model | refused | refused |
//! | dimensions | · | · | · | · | from v2 | refused | · |
//! | what it is for | dropped | · | · | · | dropped | dropped | dropped |
//! | a title | dropped | · | · | dropped | dropped | dropped | dropped |
//! | where to cut | dropped | dropped | · | · | dropped | dropped | · |
//! | the end user | · | dropped | dropped | dropped | dropped | dropped | dropped |
//!
//! What must stay true: the vectors of an answer are as many as the inputs, in their order, or the
//! answer is malformed: a vector that belongs to another text is worse than none.

mod bedrock;
mod cohere;
mod cohere_inbound;
mod gemini;
mod ollama;
mod openai;
mod vector;
mod vertex;
mod watsonx;

use crate::convert::Malformed;
use crate::loss::Losses;
use crate::neutral::{Media, Source};
use crate::{Invalid, Wire, sigv4};
use contract::usage::Tokens;
use std::borrow::Cow;
use vector::Vector;

/// What a caller asks for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Request {
    /// As the caller names it.
    pub model: String,
    pub inputs: Vec<Input>,
    pub dimensions: Option<u64>,
    pub task: Option<Task>,
    /// Of the document that is embedded.
    pub title: Option<String>,
    pub truncate: Option<Truncate>,
    /// How the caller wants its vectors written, each way once; none is as numbers.
    pub encodings: Vec<Encoding>,
    pub end_user: Option<String>,
    /// Fields that nobody here knows, by name: they are dropped, which is told.
    pub unknown: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    Text(String),
    /// Tokens of the model's own tokenizer.
    Tokens(Vec<u32>),
    Image(Media),
}

/// What the vectors are for; some models give others for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    Query,
    Document,
    Similarity,
    Classification,
    Clustering,
    QuestionAnswering,
    FactVerification,
    CodeQuery,
    Image,
}

/// Which end of a text that is too long is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truncate {
    /// None: the call is refused.
    None,
    Start,
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// A list of numbers.
    Float,
    /// Numbers of 32 bits, little endian, in base64.
    Base64,
    /// The sign of each number, a bit each, eight to a number from -128 to 127.
    Bits,
    /// The same, to a number from 0 to 255.
    UnsignedBits,
}

/// What a model answered.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// As the provider names it; empty where it does not.
    pub model: String,
    vectors: Vec<Vector>,
    /// `None` where the provider tells nothing.
    pub tokens: Option<Tokens>,
}

impl Answer {
    /// How many vectors there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.vectors.len()
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.vectors.is_empty()
    }

    /// The vector of the `nth` input.
    #[must_use]
    pub fn numbers(&self, nth: usize) -> Option<&[f64]> {
        self.vectors.get(nth).map(Vector::numbers)
    }

    /// One answer of those to the [`Request::batches`] of a request, in their order. Usage is the
    /// sum, if each told its own.
    #[must_use]
    pub fn join(answers: Vec<Self>) -> Self {
        let mut all = Self { tokens: Some(Tokens::default()), ..Self::default() };
        for answer in answers {
            all.model = answer.model;
            all.vectors.extend(answer.vectors);
            all.tokens = all.tokens.zip(answer.tokens).map(|(sum, tokens)| Tokens {
                input: sum.input.saturating_add(tokens.input),
                image_input: sum.image_input.saturating_add(tokens.image_input),
                ..sum
            });
        }
        all
    }
}

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// What the provider calls the model.
    pub model: &'a str,
    /// watsonx.ai: the project that calls are booked on.
    pub project: Option<&'a str>,
}

/// A shape in which callers ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    Openai,
    /// Cohere's, version 2.
    Cohere,
    /// Cohere's, version 1.
    CohereFirst,
    /// Gemini's `embedContent`.
    Gemini,
    /// Gemini's `batchEmbedContents`.
    GeminiBatch,
}

impl Surface {
    /// Reads a request. `model`: where the path names it.
    ///
    /// # Errors
    /// [`Invalid`] with the field.
    pub fn read_request(self, body: &[u8], model: Option<&str>) -> Result<Request, Invalid> {
        match self {
            Self::Openai => openai::read_request(body),
            Self::Cohere | Self::CohereFirst => cohere_inbound::read_request(body),
            Self::Gemini => gemini::read_request(body, model),
            Self::GeminiBatch => gemini::read_requests(body, model),
        }
    }

    /// Writes an answer. Usage that is not known is left out. `id`: unique, for shapes that have
    /// one.
    #[must_use]
    pub fn write_answer(self, answer: &Answer, asked: &Request, id: &str) -> Vec<u8> {
        match self {
            Self::Openai => openai::write_answer(answer, asked),
            Self::Cohere => cohere_inbound::write_answer(answer, asked, id, 2),
            Self::CohereFirst => cohere_inbound::write_answer(answer, asked, id, 1),
            Self::Gemini => gemini::write_answer(answer, false),
            Self::GeminiBatch => gemini::write_answer(answer, true),
        }
    }
}

/// A shape in which providers are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Openai,
    /// Gemini's `batchEmbedContents`.
    Gemini,
    /// Vertex AI's `predict`.
    Vertex,
    Cohere,
    /// Amazon Titan and Cohere, by the model's name, through InvokeModel.
    Bedrock,
    Watsonx,
    /// Ollama's own `api/embed`.
    Ollama,
}

impl Form {
    /// What a provider of a dialect is asked in.
    #[must_use]
    pub const fn of(wire: Wire) -> Option<Self> {
        match wire {
            Wire::Chat | Wire::Responses => Some(Self::Openai),
            Wire::Gemini => Some(Self::Gemini),
            Wire::Converse => Some(Self::Bedrock),
            Wire::Cohere => Some(Self::Cohere),
            Wire::Watsonx => Some(Self::Watsonx),
            Wire::Ollama => Some(Self::Ollama),
            Wire::Messages => None,
        }
    }

    /// The path under the provider's base address.
    #[must_use]
    pub fn path(self, model: &str) -> Cow<'static, str> {
        match self {
            Self::Openai => "/embeddings".into(),
            Self::Gemini => google(model, "batchEmbedContents").into(),
            Self::Vertex => google(model, "predict").into(),
            Self::Cohere => "/embed".into(),
            Self::Bedrock => format!("/model/{}/invoke", sigv4::segment(model)).into(),
            Self::Watsonx => "/ml/v1/text/embeddings".into(),
            Self::Ollama => "/api/embed".into(),
        }
    }

    /// The most inputs that one call may have.
    #[must_use]
    pub fn batch_max(self, model: &str) -> usize {
        match self {
            Self::Openai => 2_048,
            Self::Gemini => 100,
            Self::Vertex if model.contains("gemini") => 1,
            Self::Vertex => 250,
            Self::Cohere => cohere::BATCH_MAX,
            Self::Bedrock if bedrock::is_cohere(model) => cohere::BATCH_MAX,
            Self::Bedrock => 1,
            Self::Watsonx => 1_000,
            Self::Ollama => usize::MAX,
        }
    }

    /// Writes a request of at most [`Form::batch_max`] inputs.
    ///
    /// # Errors
    /// [`Invalid`] with the field that the target cannot say.
    pub fn write_request(
        self,
        request: &Request,
        to: &Target<'_>,
        losses: &mut Losses,
    ) -> Result<Vec<u8>, Invalid> {
        for name in &request.unknown {
            losses.adapt(name);
        }
        if request.end_user.is_some() && self != Self::Openai {
            losses.adapt("user");
        }
        let body = match self {
            Self::Openai => openai::write_request(request, to, losses)?,
            Self::Gemini => gemini::write_request(request, to, losses)?,
            Self::Vertex => vertex::write_request(request, losses)?,
            Self::Cohere => cohere::write_request(request, Some(to.model), losses)?,
            Self::Bedrock => bedrock::write_request(request, to, losses)?,
            Self::Watsonx => watsonx::write_request(request, to, losses)?,
            Self::Ollama => ollama::write_request(request, to, losses)?,
        };
        Ok(body.to_string().into_bytes())
    }

    /// Reads an answer to `inputs` inputs.
    ///
    /// # Errors
    /// [`Malformed`]: it is none, or has not a vector for each input.
    pub fn read_answer(self, body: &[u8], inputs: usize) -> Result<Answer, Malformed> {
        let answer = match self {
            Self::Openai => openai::read_answer(body)?,
            Self::Gemini => gemini::read_answer(body)?,
            Self::Vertex => vertex::read_answer(body)?,
            Self::Cohere => cohere::read_answer(body)?,
            Self::Bedrock => bedrock::read_answer(body)?,
            Self::Watsonx => watsonx::read_answer(body)?,
            Self::Ollama => ollama::read_answer(body)?,
        };
        if answer.vectors.len() != inputs {
            let told = answer.vectors.len();
            return Err(Malformed(format!("{told} vectors for {inputs} inputs").into()));
        }
        if answer.vectors.iter().any(Vector::is_empty) {
            return Err(Malformed("an empty vector".into()));
        }
        Ok(answer)
    }
}

impl Request {
    /// The request in calls of at most `most` inputs each, in their order.
    #[must_use]
    pub fn batches(mut self, most: usize) -> Vec<Self> {
        let mut inputs = std::mem::take(&mut self.inputs).into_iter();
        let mut out = Vec::new();
        loop {
            let some: Vec<Input> = inputs.by_ref().take(most.max(1)).collect();
            if some.is_empty() {
                return out;
            }
            out.push(Self { inputs: some, ..self.clone() });
        }
    }

    /// The inputs as texts, for a target that takes nothing else.
    fn texts(&self) -> Result<Vec<&str>, Invalid> {
        let inputs = self.inputs.iter().enumerate();
        inputs.map(|(n, input)| input.text().ok_or_else(|| unsayable(n, input))).collect()
    }

    /// Refuses the dimensions, for a target that cannot be told how many.
    fn no_dimensions(&self) -> Result<(), Invalid> {
        if self.dimensions.is_none() {
            return Ok(());
        }
        Err(Invalid::at(
            "dimensions",
            "The model gives vectors of one length only. Leave `dimensions` out, or call a model \
             that can shorten its vectors.",
        ))
    }

    /// Tells what is left out of these, by their names.
    fn leave_out(&self, names: &[&str], losses: &mut Losses) {
        for name in names {
            let there = match *name {
                "task_type" => self.task.is_some(),
                "title" => self.title.is_some(),
                "truncate" => self.truncate.is_some(),
                _ => false,
            };
            if there {
                losses.adapt(name);
            }
        }
    }
}

impl Input {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Tokens(_) | Self::Image(_) => None,
        }
    }
}

fn unsayable(n: usize, input: &Input) -> Invalid {
    let (what, how) = match input {
        Input::Tokens(_) => ("tokens", "Send the text itself"),
        Input::Image(_) => ("an image", "Call a model that embeds images"),
        Input::Text(_) => ("a text", "Call a model that embeds texts"),
    };
    Invalid::at(
        format!("input[{n}]"),
        format!("`input[{n}]` is {what}, which the model's provider does not take. {how}."),
    )
}

/// The inline bytes of an image, in base64.
fn inline(n: usize, media: &Media) -> Result<&str, Invalid> {
    match &media.source {
        Source::Inline(data) => Ok(data),
        _ => Err(Invalid::at(
            format!("input[{n}]"),
            format!("`input[{n}]` is an image by its address. Send its bytes, in base64."),
        )),
    }
}

/// Google names a model within its collection, which callers may leave out.
fn google(model: &str, method: &str) -> String {
    let folder = if model.contains('/') { "" } else { "models/" };
    format!("/{folder}{model}:{method}")
}

#[cfg(test)]
mod tests;
