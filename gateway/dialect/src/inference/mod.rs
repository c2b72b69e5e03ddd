//! The Open Inference Protocol v2, which KServe, MLServer and Triton serve: tensors in, tensors
//! out, as JSON or with raw bytes behind it; and Triton's text generation beside it.
//!
//! Bodies pass as they are. What is read of them is what can be told without knowing the model:
//! that a tensor has as many elements as its shape says, so that rows are counted honestly, and
//! that nothing is asked for which one caller could share with another.

mod answer;
mod datatype;
mod generate;
mod map;
mod request;

pub use answer::{check_answer, model_body, problem_body, problem_event, read_error};
pub use datatype::Datatype;
pub use generate::{check_text, read_generate, text_watch};
pub use map::{read_mapped, write_mapped};
pub use request::{Asked, Form, Tensor, read_request};

/// The member of a tensor's parameters that says how many raw bytes it has behind the JSON.
const BINARY_SIZE: &str = "binary_data_size";

#[cfg(test)]
mod map_tests;
#[cfg(test)]
mod tests;
