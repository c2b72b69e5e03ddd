//! Operations beside conversations: embeddings, rankings, counts.

use super::{PROVIDER, must_be_json};
use crate::Knobs;
use dialect::convert::Address;
use dialect::gemini::{self, CountForm};
use dialect::loss::Losses;
use dialect::messages::{self, Host, Messages};
use dialect::{Wire, embed, rerank};

const EMBED_SURFACES: [embed::Surface; 5] = [
    embed::Surface::Openai,
    embed::Surface::Cohere,
    embed::Surface::CohereFirst,
    embed::Surface::Gemini,
    embed::Surface::GeminiBatch,
];
const EMBED_FORMS: [embed::Form; 7] = [
    embed::Form::Openai,
    embed::Form::Gemini,
    embed::Form::Vertex,
    embed::Form::Cohere,
    embed::Form::Bedrock,
    embed::Form::Watsonx,
    embed::Form::Ollama,
];
const RERANK_SURFACES: [rerank::Surface; 2] = [rerank::Surface::V1, rerank::Surface::V2];
const RERANK_FORMS: [rerank::Form; 5] = [
    rerank::Form::Cohere,
    rerank::Form::Jina,
    rerank::Form::Watsonx,
    rerank::Form::Bedrock,
    rerank::Form::Vertex,
];
/// Models of Bedrock's are told apart by their names.
const MODELS: [&str; 3] = ["cohere.embed-v3", "amazon.titan-embed-text-v2:0", "m"];

pub fn embed(text: &[u8]) {
    for surface in EMBED_SURFACES {
        for model in [None, Some("m")] {
            if let Ok(request) = surface.read_request(text, model) {
                embedded(&request);
            }
        }
    }
}

fn embedded(request: &embed::Request) {
    for form in EMBED_FORMS {
        for model in MODELS {
            let to = embed::Target { model, project: Some("p") };
            for batch in request.clone().batches(form.batch_max(model)) {
                let mut losses = Losses::new(Wire::Chat);
                match form.write_request(&batch, &to, &mut losses) {
                    Ok(body) => must_be_json("an embedding's request", &body),
                    Err(invalid) => assert!(invalid.param.is_some(), "no field: {invalid}"),
                }
            }
        }
    }
}

pub fn embed_answer(knobs: Knobs, text: &[u8]) {
    let inputs = knobs.pick(4);
    let encodings = match knobs.0 / 4 % 4 {
        0 => Vec::new(),
        1 => vec![embed::Encoding::Float],
        2 => vec![embed::Encoding::Base64],
        _ => vec![embed::Encoding::Bits, embed::Encoding::UnsignedBits],
    };
    let asked = embed::Request { model: "m".to_owned(), encodings, ..embed::Request::default() };
    for form in EMBED_FORMS {
        let Ok(answer) = form.read_answer(text, inputs) else { continue };
        assert_eq!(answer.len(), inputs, "a vector for each input");
        let all = embed::Answer::join(vec![answer.clone(), answer]);
        for surface in EMBED_SURFACES {
            must_be_json("an embedding's answer", &surface.write_answer(&all, &asked, "req_1"));
        }
    }
}

pub fn rerank(text: &[u8]) {
    for surface in RERANK_SURFACES {
        let Ok(request) = surface.read_request(text) else { continue };
        for form in RERANK_FORMS {
            let to = embed::Target { model: "m", project: Some("p") };
            let mut losses = Losses::new(Wire::Cohere);
            match form.write_request(&request, &to, &mut losses) {
                Ok(body) => must_be_json("a ranking's request", &body),
                Err(invalid) => assert!(invalid.param.is_some(), "no field: {invalid}"),
            }
        }
    }
}

pub fn rerank_answer(knobs: Knobs, text: &[u8]) {
    let document = |n| rerank::Document::Text(format!("document {n}"));
    let asked = rerank::Request {
        model: "m".to_owned(),
        documents: (0..knobs.pick(4)).map(document).collect(),
        top_n: (knobs.0 & 4 == 4).then_some(1),
        return_documents: knobs.0 & 8 == 8,
        ..rerank::Request::default()
    };
    for form in RERANK_FORMS {
        let Ok(answer) = form.read_answer(text, &asked) else { continue };
        assert!(answer.results.is_sorted_by(|a, b| a.score >= b.score), "the best first");
        assert!(answer.results.iter().all(|ranked| ranked.index < asked.documents.len()));
        for surface in RERANK_SURFACES {
            must_be_json("a ranking's answer", &surface.write_answer(&answer, &asked, "req_1"));
        }
    }
}

pub fn count(text: &[u8]) {
    let at = Address { model: Some("m"), stream: None };
    let read = [messages::read_count(text), gemini::read_count_request(text, &at)];
    for request in read.into_iter().flatten() {
        for host in [Host::Direct, Host::Vertex, Host::Bedrock] {
            let mut losses = Losses::new(Wire::Messages);
            if let Ok(body) = (Messages { host }).write_count(&request, &PROVIDER, &mut losses) {
                must_be_json("a count's request", &body);
            }
        }
        for form in [CountForm::Wrapped, CountForm::Flat] {
            let mut losses = Losses::new(Wire::Gemini);
            let body = gemini::write_count_request(&request, form, &PROVIDER, &mut losses);
            if let Ok(body) = body {
                must_be_json("a count's request", &body);
            }
        }
    }
}

pub fn count_answer(text: &[u8]) {
    let read = [messages::read_count_answer(text), gemini::read_count_answer(text)];
    for tokens in read.into_iter().flatten() {
        for wire in Wire::ALL {
            if let Some(body) = wire.count_answer(tokens) {
                must_be_json(wire.as_str(), &body);
            }
        }
    }
}
