use super::*;
use contract::snapshot::{Layout, PredictMap, PredictOutput};
use proptest::prelude::*;
use serde_json::{Value, json};

fn map(layout: Layout, input: &str, outputs: &[(&str, &str, &str)]) -> PredictMap {
    let output = |(name, pointer, datatype): &(&str, &str, &str)| PredictOutput {
        name: (*name).to_owned(),
        pointer: (*pointer).to_owned(),
        datatype: (*datatype).to_owned(),
    };
    let outputs = outputs.iter().map(output).collect();
    PredictMap { path: "/p".to_owned(), input: input.to_owned(), layout, with: None, outputs }
}

fn tensor(name: &str, shape: &[u64], data: Value) -> Value {
    json!({"name": name, "shape": shape, "datatype": "FP32", "data": data})
}

fn write(inputs: Value, map: &PredictMap) -> Result<Value, String> {
    let body = json!({ "inputs": inputs, "id": "call-1" }).to_string();
    let (_, asked) = read_request(body.as_bytes(), Form::Json, "m").unwrap();
    let written = write_mapped(&asked, map).map_err(|invalid| invalid.detail.into_owned())?;
    Ok(serde_json::from_slice(&written).unwrap())
}

fn read(answer: &Value, map: &PredictMap) -> Result<Value, String> {
    let asked = Asked { tensors: Vec::new(), rows: 0, id: Some("call-1".to_owned()) };
    let read = read_mapped(answer.to_string().as_bytes(), map, "house/iris", &asked);
    read.map(|body| serde_json::from_slice(&body).unwrap()).map_err(|wrong| wrong.0.into_owned())
}

#[test]
fn tensors_are_laid_out_as_the_map_says() {
    let x = || tensor("x", &[2, 2], json!([1, 2, 3, 4.5]));
    let age = || tensor("age", &[2], json!([30, 40]));
    let rows = map(Layout::Rows, "/instances", &[]);
    assert_eq!(write(json!([x()]), &rows).unwrap(), json!({"instances": [[1, 2], [3, 4.5]]}));
    assert!(write(json!([x(), age()]), &rows).unwrap_err().contains("inputs[1]"));
    let mut objects = map(Layout::Objects, "/input_data/rows", &[]);
    objects.with = Some(json!({"signature_name": "serve", "input_data": {"version": 2}}));
    assert_eq!(
        write(json!([x(), age()]), &objects).unwrap(),
        json!({"signature_name": "serve", "input_data": {"version": 2,
            "rows": [{"x": [1, 2], "age": 30}, {"x": [3, 4.5], "age": 40}]}})
    );
    let one = tensor("age", &[1], json!([30]));
    assert!(write(json!([x(), one]), &objects).unwrap_err().contains("as many rows"));
    let columns = map(Layout::Columns, "/inputs", &[]);
    assert_eq!(
        write(json!([x(), age()]), &columns).unwrap(),
        json!({"inputs": {"x": [[1, 2], [3, 4.5]], "age": [30, 40]}})
    );
    let scalar = tensor("x", &[], json!(7));
    assert_eq!(write(json!([scalar]), &rows).unwrap(), json!({"instances": [7]}));
    let none = tensor("x", &[u64::MAX, 0], json!([]));
    assert_eq!(write(json!([none]), &rows).unwrap(), json!({"instances": []}));
    let deep = tensor("x", &[1; 40], json!([1]));
    assert!(write(json!([deep]), &rows).unwrap_err().contains("32 dimensions"));
}

#[test]
fn what_an_endpoint_answers_becomes_tensors_or_is_told_with_its_place() {
    let kserve = map(Layout::Rows, "/instances", &[("y", "/predictions", "FP32")]);
    assert_eq!(
        read(&json!({"predictions": [[0.1, 0.9], [0.8, 0.2]]}), &kserve).unwrap(),
        json!({"model_name": "house/iris", "id": "call-1", "outputs": [
            {"name": "y", "shape": [2, 2], "datatype": "FP32", "data": [0.1, 0.9, 0.8, 0.2]}]})
    );
    let fields = map(
        Layout::Rows,
        "/data",
        &[
            ("label", "/result/*/label", "BYTES"),
            ("score", "/result/*/score", "FP64"),
            ("all", "/result", "BYTES"),
            ("count", "/meta/0/n", "INT64"),
        ],
    );
    let said = json!({"result": [{"label": "a", "score": 1}, {"label": "b", "score": 0.5}], "meta": [{"n": 2}]});
    let told = read(&said, &fields).unwrap();
    assert_eq!(told["outputs"][0]["data"], json!(["a", "b"]));
    assert_eq!(told["outputs"][1]["data"], json!([1, 0.5]));
    assert_eq!(told["outputs"][2]["data"][0], json!(r#"{"label":"a","score":1}"#));
    assert_eq!(
        (&told["outputs"][3]["shape"], &told["outputs"][3]["data"]),
        (&json!([1]), &json!([2]))
    );
    for (answer, word) in [
        (json!({"outputs": [1]}), "nothing at `/predictions`, where the output `y`"),
        (json!({"predictions": [[1, 2], [3]]}), "different lengths"),
        (json!({"predictions": [[1], 2]}), "different lengths"),
        (json!({"predictions": ["a"]}), "no FP32"),
        (json!({"predictions": null}), "no FP32"),
        (json!([]), "nothing at"),
    ] {
        let wrong = read(&answer, &kserve).unwrap_err();
        assert!(wrong.contains(word), "{wrong}");
    }
    let whole = map(Layout::Rows, "/data", &[("y", "", "INT32")]);
    assert_eq!(read(&json!([1, 2]), &whole).unwrap()["outputs"][0]["shape"], json!([2]));
    assert!(read(&json!([1.5]), &whole).is_err());
}

proptest! {
    #[test]
    fn what_is_laid_out_in_rows_comes_back_as_it_was(shape in proptest::collection::vec(1..4_u64, 1..4)) {
        let count = shape.iter().product::<u64>();
        let data: Vec<u64> = (0..count).collect();
        let echo = map(Layout::Rows, "/data", &[("x", "/data", "INT64")]);
        let sent = write(json!([tensor("x", &shape, json!(data))]), &echo).unwrap();
        let back = read(&sent, &echo).unwrap();
        prop_assert_eq!(&back["outputs"][0]["shape"], &json!(shape));
        prop_assert_eq!(&back["outputs"][0]["data"], &json!(data));
    }

    #[test]
    fn no_answer_makes_the_reader_of_a_map_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let asked = Asked { tensors: Vec::new(), rows: 0, id: None };
        let some = map(Layout::Rows, "/a", &[("x", "/a/*/b", "BYTES"), ("y", "", "FP32")]);
        read_mapped(&body, &some, "m", &asked).map(|_| ()).unwrap_or_default();
    }
}
