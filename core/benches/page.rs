//! Reading a page of messages, against the floor: the same bytes as a bare JSON value.
#![allow(missing_docs, clippy::unwrap_used)]

use bilibili_session::endpoints::FetchSessionMsgs;
use bilibili_session::{Endpoint, Uid};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Value, json};

/// A full page, as the service writes it.
fn page(size: u64) -> Vec<u8> {
    let messages: Vec<Value> = (0..size)
        .rev()
        .map(|n| {
            json!({
                "sender_uid": 20001, "receiver_type": 1, "receiver_id": 10001, "msg_type": 1,
                "content": json!({"content": format!("你好，这是第 {n} 条消息 😀")}).to_string(),
                "msg_seqno": 1_000_000_000_000_000_u64 + n * 3, "timestamp": 1_700_000_000 + n,
                "at_uids": [0], "msg_key": 7_300_000_000_000_000_000_u64 + n, "msg_status": 0,
                "notify_code": "", "new_face_version": 1, "msg_source": 7,
            })
        })
        .collect();
    json!({"code": 0, "message": "0", "ttl": 1, "data": {"messages": messages, "has_more": 1}})
        .to_string()
        .into_bytes()
}

fn bench(criterion: &mut Criterion) {
    let body = page(200);
    let mut group = criterion.benchmark_group("page of 200 messages");
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("floor: serde_json::Value", |bencher| {
        bencher.iter(|| serde_json::from_slice::<Value>(&body).unwrap());
    });
    let response = http::Response::new(body.clone());
    let call = FetchSessionMsgs::new(Uid(20001));
    group.bench_function("FetchSessionMsgs::parse", |bencher| {
        bencher.iter(|| call.parse(&response).unwrap());
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
