//! Pages as each server writes them, and pages that nobody should believe.

use super::*;
use proptest::prelude::*;

fn read(server: ReplicaServer, page: &str) -> Result<Reading, Nonsense> {
    let mut reader = Page::of(server);
    reader.take(page.as_bytes());
    reader.end()
}

const VLLM_PAGE: &str = r#"# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="meta-llama/Llama-3.1-8B-Instruct"} 7.0
vllm:num_requests_running{engine="1",model_name="meta-llama/Llama-3.1-8B-Instruct"} 3.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="odd } \" { name"} 2.0 1760000000000
vllm:num_requests_waiting_by_reason{engine="0",reason="capacity"} 2.0
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25
vllm:kv_cache_usage_perc{engine="1",model_name="m"} 0.75
vllm:prefix_cache_queries_total{engine="0"} 4.0e+02
vllm:prefix_cache_hits_total{engine="0"} 100.0
vllm:iteration_tokens_total_bucket{le="+Inf"} NaN
"#;

#[test]
fn each_server_is_read_by_its_own_names() {
    let of = |queued, running, kv_permille, hit_permille| {
        Ok(Reading { queued, running, kv_permille, hit_permille })
    };
    use ReplicaServer as S;
    for (server, page, wanted) in [
        (S::Vllm, VLLM_PAGE, of(2, 10, 750, Some(250))),
        (
            S::Vllm,
            "vllm:num_requests_waiting 1\nvllm:gpu_cache_usage_perc 1.0",
            of(1, 0, 1_000, None),
        ),
        (
            S::Sglang,
            "sglang:num_queue_reqs{tp_rank=\"0\"} 4.0\nsglang:num_running_reqs 2.0\nsglang:token_usage 0.5\nsglang:cache_hit_rate 0.125\n",
            of(4, 2, 500, Some(125)),
        ),
        (S::Tgi, "tgi_queue_size 3\r\ntgi_batch_current_size 8\r\n", of(3, 8, 0, None)),
        (
            S::Triton,
            "nv_inference_pending_request_count{model=\"a\",version=\"1\"} 1\nnv_inference_pending_request_count{model=\"b\",version=\"1\"} 2\nnv_trt_llm_request_metrics{model=\"b\",request_type=\"waiting\",version=\"1\"} 2\nnv_trt_llm_request_metrics{model=\"b\",request_type=\"scheduled\",version=\"1\"} 5\nnv_trt_llm_request_metrics{model=\"b\",request_type=\"max\",version=\"1\"} 512\nnv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=\"fraction\"} 0.1\nnv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=\"max\"} 6239\n",
            of(3, 5, 100, None),
        ),
        (
            S::LlamaCpp,
            "llamacpp:prompt_tokens_total 300\nllamacpp:prompt_tokens_cached_total 100\nllamacpp:requests_processing 1\nllamacpp:requests_deferred 6",
            of(6, 1, 0, Some(250)),
        ),
    ] {
        assert_eq!(read(server, page), wanted, "{server:?}");
    }
}

#[test]
fn what_cannot_be_is_a_fault_that_names_it() {
    for value in ["NaN", "-1", "1e300", "+Inf", "", "many", "0x10"] {
        let page = format!("vllm:num_requests_running 1\nvllm:num_requests_waiting {value}\n");
        let name = "vllm:num_requests_waiting";
        let wanted = Nonsense::Value { name, value: value.to_owned() };
        assert_eq!(read(ReplicaServer::Vllm, &page), Err(wanted));
    }
    for share in ["1.5", "-0.1", "NaN"] {
        let page = format!("vllm:num_requests_waiting 1\nvllm:kv_cache_usage_perc {share}\n");
        assert!(matches!(read(ReplicaServer::Vllm, &page), Err(Nonsense::Value { .. })), "{share}");
    }
    let open = "vllm:num_requests_waiting{model=\"} 3\n";
    assert!(matches!(read(ReplicaServer::Vllm, open), Err(Nonsense::Value { .. })));
}

#[test]
fn a_page_without_its_names_is_not_taken_for_an_idle_server() {
    let pages =
        ["", "\n\n", "<!doctype html><title>Sign in</title>", "{\"queued\": 0}", "vllm:x 1"];
    for page in pages.iter().chain(&[&*"x".repeat(100_000)]) {
        assert_eq!(read(ReplicaServer::Vllm, page), Err(Nonsense::Unknown(ReplicaServer::Vllm)));
    }
    let told = Nonsense::Unknown(ReplicaServer::Vllm).to_string();
    assert!(told.contains("vllm:num_requests_waiting") && told.contains("vllm"), "{told}");
    assert!(read(ReplicaServer::Tgi, VLLM_PAGE).is_err(), "another server's");
}

#[test]
fn a_page_without_end_is_given_up_at_its_bound() {
    let mut page = Page::of(ReplicaServer::Vllm);
    let mebibytes = (0..2_000).take_while(|_| page.take(&[b'a'; 1_024])).count();
    assert_eq!(mebibytes, PAGE_BYTES_MAX / 1_024);
    assert!(page.line.capacity() <= 2 * LINE_BYTES_MAX);
    assert_eq!(page.end(), Err(Nonsense::TooLong));
}

proptest! {
    #[test]
    fn a_page_says_the_same_however_it_comes(
        cuts in prop::collection::vec(1..200_usize, 1..30),
    ) {
        let mut page = Page::of(ReplicaServer::Vllm);
        let (mut rest, mut cuts) = (VLLM_PAGE.as_bytes(), cuts.into_iter().cycle());
        while !rest.is_empty() {
            let (part, left) = rest.split_at(cuts.next().unwrap().min(rest.len()));
            page.take(part);
            rest = left;
        }
        prop_assert_eq!(page.end(), read(ReplicaServer::Vllm, VLLM_PAGE));
    }

    #[test]
    fn whatever_comes_is_a_fault_or_within_bounds(page in "(vllm:num_requests_(waiting|running)(\\{[a-z=\",}]*\\})? [-+0-9.eEaNinf]{0,8}\n?){0,5}") {
        if let Ok(reading) = read(ReplicaServer::Vllm, &page) {
            prop_assert!(f64::from(reading.queued) <= 5.0 * CALLS_MAX && reading.kv_permille <= 1_000);
        }
    }
}
