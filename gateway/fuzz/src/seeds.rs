//! What a run begins with: the golden fixtures of each dialect, a few texts of what has none, and,
//! where `WIRE_CORPUS` names a folder of recorded traffic, that.

use crate::{Kind, Target};
use dialect::Wire;
use std::fs;
use std::path::{Path, PathBuf};

const EMBED: [&str; 5] = [
    r#"{"model":"m","input":["a","b"],"encoding_format":"base64","dimensions":8,"user":"u"}"#,
    r#"{"model":"m","input":[[1,2],[3]],"input_type":"query"}"#,
    r#"{"model":"models/m","content":{"parts":[{"text":"a"}]},"taskType":"RETRIEVAL_QUERY","title":"t"}"#,
    r#"{"requests":[{"model":"models/m","content":{"parts":[{"text":"a"},{"text":"b"}]},"outputDimensionality":8}]}"#,
    r#"{"model":"m","input":[{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}}]}"#,
];

const EMBED_ANSWER: [&str; 7] = [
    r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,-2e-3]}],"model":"m","usage":{"prompt_tokens":2,"total_tokens":2}}"#,
    r#"{"data":[{"index":0,"embedding":"AAAAAAAAgD8="}],"usage":{"prompt_tokens":0}}"#,
    r#"{"embeddings":[{"values":[0.1,0.2]}]}"#,
    r#"{"predictions":[{"embeddings":{"values":[0.1],"statistics":{"token_count":3,"truncated":false}}}]}"#,
    r#"{"id":"1","embeddings":{"float":[[0.1,0.2]]},"meta":{"billed_units":{"input_tokens":3,"images":1}}}"#,
    r#"{"embedding":[0.1,0.2],"inputTextTokenCount":3}"#,
    r#"{"model":"m","embeddings":[[0.1]],"prompt_eval_count":3}"#,
];

const RERANK: [&str; 2] = [
    r#"{"model":"m","query":"q","documents":["a",{"text":"b","title":"c"}],"top_n":1,"return_documents":true,"rank_fields":["title"]}"#,
    r#"{"model":"m","query":"q","documents":["a","b","c"],"max_tokens_per_doc":100}"#,
];

const RERANK_ANSWER: [&str; 4] = [
    r#"{"id":"1","results":[{"index":1,"relevance_score":0.9},{"index":0,"relevance_score":1e-3}],"meta":{"billed_units":{"search_units":1}}}"#,
    r#"{"model":"m","usage":{"total_tokens":9,"prompt_tokens":9},"results":[{"index":0,"relevance_score":0.1,"document":{"text":"a"}}]}"#,
    r#"{"results":[{"index":0,"score":0.5}],"input_token_count":7,"model_id":"m"}"#,
    r#"{"records":[{"id":"1","score":0.9},{"id":"0"}]}"#,
];

const COUNT: [&str; 2] = [
    r#"{"model":"m","system":"s","messages":[{"role":"user","content":"a"}],"tools":[]}"#,
    r#"{"generateContentRequest":{"model":"models/m","contents":[{"parts":[{"text":"a"}]}]}}"#,
];

const COUNT_ANSWER: [&str; 2] =
    [r#"{"input_tokens":12}"#, r#"{"totalTokens":12,"cachedContentTokenCount":0}"#];

const INFERENCE: [&str; 6] = [
    r#"{"id":"1","inputs":[{"name":"x","shape":[2,3],"datatype":"FP32","data":[[1,2,3],[4,5,6]]}],"outputs":[{"name":"y"}]}"#,
    r#"{"inputs":[{"name":"x","shape":[2],"datatype":"INT8","parameters":{"binary_data_size":2}}]}ab"#,
    r#"{"inputs":[{"name":"t","shape":[1,1],"datatype":"BYTES","data":["a text"]}],"parameters":{"sequence_id":0}}"#,
    r#"{"model_name":"m","outputs":[{"name":"y","shape":[2],"datatype":"INT8","parameters":{"binary_data_size":2}}]}ab"#,
    r#"{"text_input":"a","parameters":{"max_tokens":4,"stream":true}}"#,
    "data: {\"text_output\":\"a\"}\n\ndata: {\"error\":\"no\"}\n\n",
];

const LINES: [&str; 2] = [
    "{\"a\":1}\n\r\n{\"b\":2}\r\n{\"c\"",
    "\n\n\u{1F980}\n{\"message\":{\"content\":\"x\"},\"done\":true}",
];

const SSE: [&str; 4] = [
    "data: {\"a\":1}\n\n: note\n\nevent: x\ndata: b\ndata:  c\nid: 1\n\ndata: [DONE]\n\n",
    "\u{feff}data: a\r\n\r\ndata: b\r\n\r\n",
    "data: a\r\rdata: b\r\n\rdata\n\n",
    "data: \u{1F980}\n\nretry: 10\n\n",
];

const SIGV4: [&str; 2] = [
    "POST\n/model/anthropic.claude%3A0/converse\na=1&b=%20c&a\ncontent-type: application/json\n1760000000",
    "GET\n/\n\nhost:  x  y \nHost: z\n-62135596801",
];

const FORMS: [&str; 2] = [
    "--edge\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--edge\r\ncontent-type: audio/wav\r\ncontent-disposition: form-data; name=file; filename=\"a;b.wav\"\r\n\r\nRIFF\0\0\0\0WAVEfmt \r\n--edge--\r\n",
    "\r\n--edge \r\nContent-Disposition: form-data; name=\"image[]\"; filename=\"a\"; filename*=utf-8''a\r\nContent-Transfer-Encoding: binary\r\n\r\nPNG\r\n--edg\r\n--edge\r\ncontent-disposition:form-data;name=n\r\n\r\n2\r\n--edge\r\ncontent-disposition: form-data; name=model\r\n\r\nm\r\n--edge\r\ncontent-disposition: form-data; name=stream\r\n\r\nTrue\r\n--edge--",
];

const MEDIA: [&str; 4] = [
    r#"{"model":"m","prompt":"a","n":2,"size":"1024x1536","quality":"high","stream":true,"partial_images":2}"#,
    r#"{"model":"m","input":"h\u00e9","voice":{"id":"v"},"stream_format":"sse","instructions":"i"}"#,
    r#"{"model":"m","images":[{"image_url":"data:image/png;base64,iVBORw0KGgo="},{"file_id":"f"}],"mask":{"image_url":"u"}}"#,
    r#"{"model":"m","input":["a",{"type":"text","text":"b"}],"n":null,"stream":false}"#,
];

const MEDIA_ANSWERS: [&str; 4] = [
    r#"{"created":1,"data":[{"b64_json":"iVBORw0KGgo="},{"url":"u"}],"usage":{"input_tokens":5,"input_tokens_details":{"text_tokens":1,"image_tokens":4},"output_tokens":9,"output_tokens_details":{"text_tokens":1}}}"#,
    r#"{"task":"transcribe","duration":8.470000267028809,"text":"a","usage":{"type":"duration","seconds":9}}"#,
    "event: x\ndata: {\"type\":\"image_generation.partial_image\",\"b64_json\":\"A\"}\n\ndata: {\"type\":\"image_generation.completed\",\"usage\":{\"input_tokens\":5,\"output_tokens\":9}}\n\n",
    "data: {\"type\":\"transcript.text.delta\",\"delta\":\"a\"}\n\ndata: {\"type\":\"transcript.text.done\",\"usage\":{\"type\":\"tokens\",\"input_tokens\":1,\"input_token_details\":{\"audio_tokens\":1},\"output_tokens\":2}}\n\n",
];

const RECORDINGS: [&[u8]; 7] = [
    b"RIFF\0\0\0\0WAVELIST\x03\0\0\0abc\0fmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\x08\0\0\0\0\0\0\0\0\0\0\0",
    b"fLaC\0\0\0\x22\0\0\0\0\0\0\0\0\0\0\x0a\xc4\x42\xf0\0\x01\x58\x88\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    b"OggS\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x13OpusHead\x01\x01\x38\x01\0\0\0\0\0\0\0OggS\0\x04\x38\xbc\0\0\0\0\0\0",
    b"ID3\x04\0\0\0\0\0\0\xff\xfb\x90\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0Xing\0\0\0\x01\0\0\0\x64",
    b"\0\0\0\x08ftyp\0\0\0\x24moov\0\0\0\x1cmvhd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x03\xe8\0\0\x24\x22",
    b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff\x15\x49\xa9\x66\x8e\x2a\xd7\xb1\x83\x0f\x42\x40\x44\x89\x84\x45\x83\x40\0",
    b"\xff\xf3\x18\xc4\0\0\0\0",
];

const METRICS: [&str; 4] = [
    "# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running{engine=\"0\"} 7.0\nvllm:num_requests_waiting{m=\"a } \\\" {\"} 2.0 176\nvllm:kv_cache_usage_perc 0.25\nvllm:prefix_cache_hits_total 1e2\nvllm:prefix_cache_queries_total 4e2\n",
    "sglang:num_queue_reqs 4.0\r\nsglang:token_usage 1.0\r\nsglang:cache_hit_rate NaN\r\n",
    "nv_inference_pending_request_count{model=\"a\"} 1\nnv_trt_llm_request_metrics{request_type=\"waiting\"} 2\ntgi_queue_size 3",
    "llamacpp:requests_deferred 6\nllamacpp:prompt_tokens_total 300\nllamacpp:prompt_tokens_cached_total -1",
];

/// The first inputs of a target, each with knobs of its own.
#[must_use]
pub fn of(target: Target) -> Vec<Vec<u8>> {
    let texts = own(target).into_iter().chain(recorded(target));
    let seed = |(n, text): (usize, Vec<u8>)| {
        let knobs = u8::try_from(n * 37 % 256).unwrap_or_default();
        [&[knobs], text.as_slice()].concat()
    };
    let mut seeds: Vec<_> = texts.enumerate().map(seed).collect();
    seeds.push(vec![0]);
    seeds
}

fn own(target: Target) -> Vec<Vec<u8>> {
    let few = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    match target.kind {
        Kind::Sse => few(&SSE),
        Kind::EventStream => event_streams(),
        Kind::Lines => few(&LINES),
        Kind::Inference => few(&INFERENCE),
        Kind::Sigv4 => few(&SIGV4),
        Kind::Scan | Kind::Ask => Wire::ALL.into_iter().flat_map(|w| golden(w, ".json")).collect(),
        Kind::Request => golden(target.wire, "request.json"),
        Kind::Answer => golden(target.wire, "answer.json"),
        Kind::Stream => golden(target.wire, ".stream"),
        Kind::Error => {
            Wire::ALL.into_iter().flat_map(|wire| golden(wire, "error.answer.json")).collect()
        }
        Kind::Embed => few(&EMBED),
        Kind::EmbedAnswer => few(&EMBED_ANSWER),
        Kind::Rerank => few(&RERANK),
        Kind::RerankAnswer => few(&RERANK_ANSWER),
        Kind::Count => few(&COUNT),
        Kind::CountAnswer => few(&COUNT_ANSWER),
        Kind::Form => few(&FORMS),
        Kind::Media => few(&MEDIA),
        Kind::MediaAnswer => few(&MEDIA_ANSWERS),
        Kind::Recording => RECORDINGS.iter().map(|file| file.to_vec()).collect(),
        Kind::Metrics => few(&METRICS),
    }
}

/// The fixtures of a dialect whose names end so.
fn golden(wire: impl Into<Option<Wire>>, ending: &str) -> Vec<Vec<u8>> {
    let Some(wire) = wire.into() else { return Vec::new() };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dialect/tests/golden");
    let files = files(&folder.join(wire.as_str()));
    files.iter().filter(|path| ends(path, ending)).filter_map(|path| fs::read(path).ok()).collect()
}

/// Recordings as they are: whom they belong to is for coverage to find out.
fn recorded(target: Target) -> Vec<Vec<u8>> {
    let Some(root) = std::env::var_os("WIRE_CORPUS").map(PathBuf::from) else { return Vec::new() };
    let part = match target.kind {
        Kind::Request | Kind::Ask | Kind::Embed | Kind::Rerank | Kind::Count => "requests",
        Kind::Sigv4 | Kind::Form | Kind::Recording | Kind::Metrics => return Vec::new(),
        _ => "response",
    };
    let found = files(&root);
    let mine = found.iter().filter(|path| path.components().any(|c| c.as_os_str() == part));
    mine.filter_map(|path| fs::read(path).ok()).collect()
}

/// Golden streams of AWS, framed.
fn event_streams() -> Vec<Vec<u8>> {
    let lines = golden(Wire::Converse, ".stream");
    lines.iter().map(|lines| crate::targets::framed(lines)).collect()
}

/// All files under a folder, in the order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    paths.sort();
    let within = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    paths.into_iter().flat_map(within).collect()
}

fn ends(path: &Path, ending: &str) -> bool {
    path.to_str().is_some_and(|path| path.ends_with(ending))
}
