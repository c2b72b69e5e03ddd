//! The same call in three ways: curl and the vendor's SDKs. The key is never in it: it comes from
//! the environment.

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
  -d '{{"model": "{model}", "messages": [{{"role": "user", "content": "Say hello"}}]}}'"#
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
  -d '{{"model": "{model}", "stream": true, "messages": [{{"role": "user", "content": "Count to five"}}]}}'"#
    )
}
