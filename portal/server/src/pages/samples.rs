//! The same call in three ways: curl and the vendor's SDKs. The key is never in it: it comes from
//! the environment.

use contract::snapshot::Modality;
use portal_app::components::Sample;

/// The variable that samples take the key from.
pub const KEY_VARIABLE: &str = "TOLLGATE_API_KEY";

/// A chat call of `model` through the gateway at `base` (`…/v1`).
#[must_use]
pub fn chat(base: &str, model: &str) -> Vec<Sample> {
    let curl = format!(
        r#"curl {base}/chat/completions \
  -H "Authorization: Bearer ${KEY_VARIABLE}" \
  -H "Content-Type: application/json" \
  -d '{{"model": "{model}",
       "messages": [{{"role": "user", "content": "Say hello"}}]}}'"#
    );
    let python = format!(
        r#"# pip install openai
import os
from openai import OpenAI

client = OpenAI(base_url="{base}", api_key=os.environ["{KEY_VARIABLE}"])
answer = client.chat.completions.create(
    model="{model}",
    messages=[{{"role": "user", "content": "Say hello"}}],
)
print(answer.choices[0].message.content)"#
    );
    let node = format!(
        r#"// npm install openai
import OpenAI from "openai";

const client = new OpenAI({{ baseURL: "{base}", apiKey: process.env.{KEY_VARIABLE} }});
const answer = await client.chat.completions.create({{
  model: "{model}",
  messages: [{{ role: "user", content: "Say hello" }}],
}});
console.log(answer.choices[0].message.content);"#
    );
    [("curl", curl), ("Python", python), ("Node", node)]
        .map(|(language, code)| Sample { language: language.to_owned(), code })
        .to_vec()
}

/// The same, streamed, with curl.
#[must_use]
pub fn stream(base: &str, model: &str) -> String {
    format!(
        r#"curl -N {base}/chat/completions \
  -H "Authorization: Bearer ${KEY_VARIABLE}" \
  -H "Content-Type: application/json" \
  -d '{{"model": "{model}", "stream": true,
       "messages": [{{"role": "user", "content": "Count to five"}}]}}'"#
    )
}

/// A call of `model`, in whatever way it is called.
#[must_use]
pub fn of(base: &str, model: &str, modality: Modality) -> Vec<Sample> {
    match modality {
        Modality::Chat => chat(base, model),
        Modality::Embedding => embeddings(base, model),
        Modality::Rerank => rerank(base, model),
        Modality::Predict => predict(base, model),
        Modality::Image => {
            let body = r#""prompt": "A lighthouse in fog", "n": 1"#;
            json_call(base, "images/generations", model, body, "")
        }
        Modality::Speech => {
            let body = r#""voice": "alloy", "input": "Say hello""#;
            json_call(base, "audio/speech", model, body, " --output hello.mp3")
        }
        Modality::Transcription => transcription(base, model),
        Modality::Moderation => {
            json_call(base, "moderations", model, r#""input": "Say hello""#, "")
        }
    }
}

/// An embeddings call of `model` through the gateway at `base` (`…/v1`).
#[must_use]
pub fn embeddings(base: &str, model: &str) -> Vec<Sample> {
    let curl = format!(
        r#"curl {base}/embeddings \
  -H "Authorization: Bearer ${KEY_VARIABLE}" \
  -H "Content-Type: application/json" \
  -d '{{"model": "{model}", "input": "Say hello"}}'"#
    );
    let python = format!(
        r#"# pip install openai
import os
from openai import OpenAI

client = OpenAI(base_url="{base}", api_key=os.environ["{KEY_VARIABLE}"])
answer = client.embeddings.create(model="{model}", input="Say hello")
print(len(answer.data[0].embedding))"#
    );
    let node = format!(
        r#"// npm install openai
import OpenAI from "openai";

const client = new OpenAI({{ baseURL: "{base}", apiKey: process.env.{KEY_VARIABLE} }});
const answer = await client.embeddings.create({{ model: "{model}", input: "Say hello" }});
console.log(answer.data[0].embedding.length);"#
    );
    [("curl", curl), ("Python", python), ("Node", node)]
        .map(|(language, code)| Sample { language: language.to_owned(), code })
        .to_vec()
}

/// A ranking of documents by `model` through the gateway at `base` (`…/v1`).
fn rerank(base: &str, model: &str) -> Vec<Sample> {
    let code = format!(
        r#"curl {base}/rerank \
  -H "Authorization: Bearer ${KEY_VARIABLE}" \
  -H "Content-Type: application/json" \
  -d '{{"model": "{model}", "query": "Where is Oslo?",
       "documents": ["Oslo is in Norway.", "Paris is in France."]}}'"#
    );
    vec![Sample { language: "curl".to_owned(), code }]
}

/// A call whose body is an object, with these members beside the model.
fn json_call(base: &str, path: &str, model: &str, members: &str, then: &str) -> Vec<Sample> {
    let code = format!(
        r#"curl {base}/{path} \
  -H "Authorization: Bearer ${KEY_VARIABLE}" \
  -H "Content-Type: application/json" \
  -d '{{"model": "{model}", {members}}}'{then}"#
    );
    vec![Sample { language: "curl".to_owned(), code }]
}

fn transcription(base: &str, model: &str) -> Vec<Sample> {
    let code = format!(
        r#"curl {base}/audio/transcriptions \
  -H "Authorization: Bearer ${KEY_VARIABLE}" \
  -F model="{model}" -F file=@hello.mp3"#
    );
    vec![Sample { language: "curl".to_owned(), code }]
}

/// A prediction of `model` in the Open Inference Protocol, whose address ends in `/v2`.
fn predict(base: &str, model: &str) -> Vec<Sample> {
    let root = base.trim_end_matches("/v1");
    let code = format!(
        r#"curl {root}/v2/models/{model}/infer \
  -H "Authorization: Bearer ${KEY_VARIABLE}" \
  -H "Content-Type: application/json" \
  -d '{{"inputs": [{{"name": "x", "shape": [1, 4], "datatype": "FP32",
       "data": [5.1, 3.5, 1.4, 0.2]}}]}}'"#
    );
    vec![Sample { language: "curl".to_owned(), code }]
}

/// The curl sample with the key itself in it. Only for the page that shows a new key.
#[must_use]
pub fn curl_with_key(base: &str, model: &str, key: &str) -> String {
    let samples = chat(base, model);
    let curl = samples.first().map_or("", |sample| sample.code.as_str());
    curl.replace(&format!("${KEY_VARIABLE}"), key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_take_the_key_from_the_environment_and_the_first_curl_has_it_inside() {
        let samples = of("http://gate/v1", "m", Modality::Chat);
        assert_eq!(samples.len(), 3);
        assert!(samples.iter().all(|sample| sample.code.contains(KEY_VARIABLE)));
        let curl = curl_with_key("http://gate/v1", "m", "tg_live_x");
        assert!(curl.contains("Bearer tg_live_x") && !curl.contains(KEY_VARIABLE));
    }
}
