//! How an endpoint that takes JSON and gives JSON is called as a model server: data, and no code.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The outputs that an endpoint may have at most, and the characters of each word here.
const OUTPUTS_MAX: usize = 32;
const WORD_MAX: usize = 200;

/// Where the tensors of the Open Inference Protocol go in an endpoint's request, and where they are
/// found in its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PredictMap {
    /// Under the provider's address; `{model}` stands for what the provider calls the model:
    /// `/v1/models/{model}:predict`.
    pub path: String,
    /// Where in the request the data go, a JSON pointer through objects: `/instances`.
    pub input: String,
    pub layout: Layout,
    /// What the request says besides, an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub with: Option<Value>,
    pub outputs: Vec<PredictOutput>,
}

/// How data are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Layout {
    /// A list of rows, of one tensor.
    Rows,
    /// A list of objects, each with a row of every tensor under its name.
    Objects,
    /// An object with every tensor whole, under its name.
    Columns,
}

/// A tensor in an endpoint's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PredictOutput {
    pub name: String,
    /// Where it is, a JSON pointer; `*` stands for each element of a list: `/predictions`,
    /// `/predictions/*/score`.
    pub pointer: String,
    /// What its elements are, in the words of the protocol: `FP32`, `INT64`, `BOOL`, `BYTES`.
    pub datatype: String,
}

/// The datatypes that JSON can carry.
pub const DATATYPES: [&str; 13] = [
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16",
    "FP32", "FP64", "BYTES",
];

impl PredictMap {
    /// What is wrong with it, if anything: the place, a JSON pointer from here, and what to write
    /// there.
    ///
    /// # Errors
    /// The first fault.
    pub fn check(&self) -> Result<(), (String, &'static str)> {
        let wrong = |place: &str, why| Err((place.to_owned(), why));
        if !self.path.starts_with('/') || self.path.len() > WORD_MAX || !is_path(&self.path) {
            return wrong(
                "/path",
                "begin with `/`; letters, digits and `-._~:/`, and `{model}` where the model's name goes",
            );
        }
        if !is_pointer(&self.input) || self.input.contains('*') {
            return wrong("/input", "write a JSON pointer through objects, like /instances");
        }
        if self.with.as_ref().is_some_and(|with| !with.is_object()) {
            return wrong("/with", "write a JSON object, or leave it out");
        }
        if self.outputs.is_empty() || self.outputs.len() > OUTPUTS_MAX {
            return wrong("/outputs", "name between 1 and 32 outputs");
        }
        for (n, output) in self.outputs.iter().enumerate() {
            let named_before = |other: &PredictOutput| other.name == output.name;
            if output.name.is_empty() || output.name.len() > WORD_MAX {
                return wrong(
                    &format!("/outputs/{n}/name"),
                    "give the tensor a name of at most 200 characters",
                );
            }
            if self.outputs.iter().take(n).any(named_before) {
                return wrong(&format!("/outputs/{n}/name"), "another output has this name");
            }
            if !output.pointer.is_empty() && !is_pointer(&output.pointer) {
                return wrong(
                    &format!("/outputs/{n}/pointer"),
                    "write a JSON pointer, like /predictions; empty: the whole answer",
                );
            }
            if !DATATYPES.contains(&output.datatype.as_str()) {
                return wrong(
                    &format!("/outputs/{n}/datatype"),
                    "use a datatype of the protocol, such as FP32, INT64 or BYTES",
                );
            }
        }
        Ok(())
    }
}

fn is_path(path: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/".contains(&b);
    path.replace("{model}", "m").bytes().all(plain) && !path.contains("/../")
}

/// `/a/b`, no word of it empty.
fn is_pointer(text: &str) -> bool {
    let words = text.strip_prefix('/').map(|rest| rest.split('/'));
    text.len() <= WORD_MAX && words.is_some_and(|mut words| words.all(|word| !word.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map() -> PredictMap {
        serde_json::from_str(
            r#"{"path":"/v1/models/{model}:predict","input":"/instances","layout":"rows",
                "outputs":[{"name":"y","pointer":"/predictions","datatype":"FP32"}]}"#,
        )
        .unwrap()
    }

    #[test]
    fn a_mapping_that_could_not_work_is_refused_at_its_place() {
        assert_eq!(map().check(), Ok(()));
        type Change = fn(&mut PredictMap);
        let cases: [(&str, Change); 9] = [
            ("/path", |map| map.path = "v1/predict".to_owned()),
            ("/path", |map| map.path = "/v1/{name}".to_owned()),
            ("/path", |map| map.path = "/v1?key=1".to_owned()),
            ("/input", |map| map.input = "instances".to_owned()),
            ("/input", |map| map.input = "/a/*/b".to_owned()),
            ("/with", |map| map.with = Some(Value::Bool(true))),
            ("/outputs", |map| map.outputs.clear()),
            ("/outputs/0/datatype", |map| map.outputs[0].datatype = "FLOAT".to_owned()),
            ("/outputs/1/name", |map| map.outputs.push(map.outputs[0].clone())),
        ];
        for (place, change) in cases {
            let mut bad = map();
            change(&mut bad);
            assert_eq!(bad.check().unwrap_err().0, place);
        }
    }
}
