//! What the vendor's Java SDK puts on the wire, quirks and all (docs/sdk.md), on one object as
//! clients keep it: one header map that only grows, and one timestamp. What it makes of answers is in `sdk_reading`.
//! Every answer is held against what the SDK needs of any: ASCII JSON, not compressed, no redirect.

use super::sdk_reading::{self as reading, Told};
use super::socket::{Reply, Socket};
use super::{System, TestHub};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;

/// How long HttpClient waits for `100 Continue` before it sends the body anyway.
const CONTINUE_AFTER: Duration = Duration::from_secs(3);
const PREFIX: &str = "XroadVnpt-";

/// A service object of the SDK.
pub struct Sdk {
    pub address: SocketAddr,
    /// Path of the configured endpoint: empty, a prefix, or `/` when the operator wrote a trailing slash.
    pub endpoint: String,
    pub secret: String,
    map: Vec<(String, String)>,
    /// Connections are left to the garbage collector.
    _idle: Vec<Socket>,
}

impl TestHub {
    /// A fresh service object of a system.
    pub fn sdk(&self, system: &str) -> Sdk {
        Sdk::new(self.address, self.system(system))
    }
}

/// `String.hashCode` as `HashMap` spreads it.
fn java_hash(text: &str) -> u32 {
    let hash = text.encode_utf16().fold(0_u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(u32::from(unit)));
    hash ^ (hash >> 16)
}

/// A text as Gson writes it without HTML escaping.
pub fn gson(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", u32::from(letter))),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// SHA-256 as the SDK prints it: each byte without its leading zero.
pub fn quirky_hash(file: &[u8]) -> String {
    digest(&SHA256, file).as_ref().iter().map(|byte| format!("{byte:x}")).collect()
}

/// Lower-case hexadecimal HMAC-SHA256.
pub fn hmac_hex(secret: &str, message: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hex::encode(hmac::sign(&key, message).as_ref())
}

impl Sdk {
    pub fn new(address: SocketAddr, system: &System) -> Self {
        let mut made = Self {
            address,
            endpoint: String::new(),
            secret: system.secret.clone(),
            map: Vec::new(),
            _idle: Vec::new(),
        };
        made.put("systemid", &system.id);
        made.put("timestamp", "21112026T090000+0181");
        made
    }

    /// Puts a member into the map for good.
    pub fn put(&mut self, name: &str, value: &str) {
        match self.map.iter_mut().find(|(known, _)| known == name) {
            Some(member) => member.1 = value.to_owned(),
            None => self.map.push((name.to_owned(), value.to_owned())),
        }
    }

    /// Takes over the members of a method's first argument.
    fn put_all(&mut self, parameters: &Value) {
        for (name, value) in parameters.as_object().unwrap() {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            self.put(name, &text);
        }
    }

    /// The members in the order of a Java `HashMap`.
    fn ordered(&self) -> Vec<(String, String)> {
        let mut buckets = 16_u32;
        while self.map.len() * 4 > usize::try_from(buckets).unwrap() * 3 {
            buckets *= 2;
        }
        let mut ordered = self.map.clone();
        ordered.sort_by_key(|(name, _)| java_hash(name) & (buckets - 1));
        ordered
    }

    /// The text that is signed.
    pub fn sign_header(&self) -> String {
        let members = self.ordered();
        let members =
            members.iter().map(|(name, value)| format!("{}:{}", gson(&format!("{PREFIX}{name}")), gson(value)));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }

    /// The headers that every call has, as written, and whether `Content-Type` comes first.
    fn headers(&self, content_type_first: bool) -> Vec<(String, String)> {
        let members = self.ordered();
        let mut headers: Vec<(String, String)> = Vec::new();
        for (name, value) in &members {
            if name == "Content-Type" {
                let at = if content_type_first { 0 } else { headers.len() };
                headers.insert(at, (name.clone(), value.clone()));
            }
            headers.push((format!("{PREFIX}{name}"), value.clone()));
        }
        let signed = self.sign_header();
        let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        headers.push((format!("{PREFIX}sign-header-key"), names.join(";")));
        headers.push((format!("{PREFIX}hash-header"), hmac_hex(&self.secret, signed.as_bytes())));
        headers.insert(headers.len() - 1, (format!("{PREFIX}sign-header"), signed));
        headers.push(("User-Agent".to_owned(), "JAVASDKAgent/1.0.0 XRoad/VPCP".to_owned()));
        headers.push((format!("{PREFIX}version"), "3.0.201608".to_owned()));
        headers
    }

    fn head(&self, start: &str, headers: &[(String, String)], more: &[(&str, &str)]) -> Vec<u8> {
        let mut head = format!("{start} HTTP/1.1\r\n");
        let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        for (name, value) in headers.iter().cloned().chain(more) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    /// The head of a call through HttpClient, which folds a double slash.
    pub fn client_head(&self, method: &str, operation: &str, body: Option<&str>) -> Vec<u8> {
        let path = format!("{}/{operation}", self.endpoint.trim_end_matches('/'));
        let (length, host) = (body.unwrap_or_default().len().to_string(), self.address.to_string());
        let mut more = vec![("Host", host.as_str()), ("Connection", "Keep-Alive"), ("Accept-Encoding", "gzip,deflate")];
        if method == "POST" {
            more.insert(0, ("Content-Length", &length));
        }
        if body.is_some_and(|body| !body.is_empty()) {
            more.push(("Expect", "100-continue"));
        }
        self.head(&format!("{method} {path}"), &self.headers(false), &more)
    }

    /// A call of any method but sendEdoc.
    pub async fn call(&mut self, operation: &str, parameters: &Value, body: &str) -> Reply {
        self.prepare(parameters);
        let head = self.client_head("POST", operation, Some(body));
        let reply = self.exchange(&head, body.as_bytes()).await;
        keeps_the_contract(&reply);
        reply
    }

    /// Puts the parameters of a call that is no sendEdoc into the map.
    pub fn prepare(&mut self, parameters: &Value) {
        self.put_all(parameters);
        self.put("Content-Type", "application/json");
    }

    /// Sends these bytes on a connection of their own, after `100 Continue` where the head asks for it.
    pub async fn exchange(&mut self, head: &[u8], body: &[u8]) -> Reply {
        let mut socket = Socket::open(self.address).await;
        socket.send(head).await.unwrap();
        if memchr::memmem::find(head, b"Expect: 100-continue").is_some() {
            assert!(socket.answers_within(CONTINUE_AFTER).await, "each call would lose three seconds");
        }
        // A server may have said all it has to say before the body.
        let _ = socket.send(body).await;
        let reply = socket.reply().await.expect("an answer");
        self._idle.push(socket);
        reply
    }

    /// The whole request of a sendEdoc.
    pub fn send_request(&mut self, parameters: &Value, file: &[u8]) -> Vec<u8> {
        self.put_all(parameters);
        self.put("hash-file", &quirky_hash(file));
        self.send_request_as_is(file)
    }

    /// The same with whatever `hash-file` is in the map.
    pub fn send_request_as_is(&mut self, file: &[u8]) -> Vec<u8> {
        self.put("Content-Type", "application/octet-stream");
        let length = (file.len() + 2).to_string();
        let more = [
            ("Cache-Control", "no-cache"),
            ("Pragma", "no-cache"),
            ("Host", &self.address.to_string()),
            ("Accept", "text/html, image/gif, image/jpeg, */*; q=0.2"),
            ("Connection", "keep-alive"),
            ("Content-Length", &length),
        ];
        let mut request = self.head(&format!("POST {}/sendEdoc", self.endpoint), &self.headers(true), &more);
        request.extend_from_slice(file);
        request.extend_from_slice(b"\r\n");
        request
    }

    /// Sends a request through HttpURLConnection, which repeats it once when the connection ends without a reply.
    pub async fn post(&mut self, request: &[u8]) -> Option<Reply> {
        for _ in 0..2 {
            let mut socket = Socket::open(self.address).await;
            let _ = socket.send(request).await;
            if let Some(reply) = socket.reply().await {
                keeps_the_contract(&reply);
                assert!(reply.json()["DocId"].is_string(), "{}", reply.text());
                self._idle.push(socket);
                return Some(reply);
            }
        }
        None
    }

    /// `sendEdoc`.
    pub async fn send(&mut self, parameters: Value, file: &[u8]) -> Told {
        let request = self.send_request(&parameters, file);
        let reply = self.post(&request).await.expect("an answer");
        reading::sent(reply.status, &reply.body).expect("an answer that the SDK reads")
    }

    /// `getReceivedEdocList`.
    pub async fn received(&mut self, parameters: Value) -> Vec<Value> {
        let reply = self.call("getReceivedEdocList", &parameters, "").await;
        rows(reading::listed(reply.status, &reply.body))
    }

    /// `getSentEdocList`.
    pub async fn sent_list(&mut self, parameters: Value) -> Vec<Value> {
        let reply = self.call("getSentEdocList", &parameters, "").await;
        rows(reading::listed(reply.status, &reply.body))
    }

    /// `getEdoc`.
    pub async fn get(&mut self, doc_id: &str) -> Told {
        let parameters = serde_json::json!({ "docId": doc_id, "filePath": "/tmp/dl" });
        let reply = self.call("getEdoc", &parameters, "{}").await;
        assert!(reply.json()["data"].is_string(), "{}", reply.text());
        reading::got(reply.status, &reply.body).expect("an answer that the SDK reads")
    }

    /// `downloadEdoc`: what is on disk then, if the SDK takes it for a success.
    pub async fn download(&mut self, doc_id: &str) -> Option<Vec<u8>> {
        self.prepare(&serde_json::json!({ "docId": doc_id, "filePath": "/tmp/dl" }));
        let head = self.client_head("GET", "downloadEdoc", None);
        let reply = self.exchange(&head, b"").await;
        assert!(reply.header("content-encoding").is_none() && !(300..400).contains(&reply.status));
        reading::downloaded(&reply.body)
    }

    /// `updateStatus`; `name` is `docid` as in the vendor's sample, or `docId`.
    pub async fn update(&mut self, (name, doc_id): (&str, &str), status: &str) -> Told {
        self.common("updateStatus", serde_json::json!({ name: doc_id, "status": status }), "{}").await
    }

    /// A call whose answer has the common members only, or `count`.
    pub async fn common(&mut self, operation: &str, parameters: Value, body: &str) -> Told {
        let reply = self.call(operation, &parameters, body).await;
        reading::common(&reply.body).expect("an answer that the SDK reads")
    }

    /// A list of agencies.
    pub async fn agencies(&mut self, operation: &str) -> Vec<Value> {
        let reply = self.call(operation, &serde_json::json!({}), "").await;
        rows(reading::listed(reply.status, &reply.body))
    }
}

fn rows(told: Option<Told>) -> Vec<Value> {
    let told = told.expect("an answer that the SDK reads");
    assert_eq!((told.status.as_deref(), told.code.as_deref()), (Some("OK"), Some("0")), "{told:?}");
    told.rows.expect("rows without a null")
}

/// What every answer to the SDK must be.
pub fn keeps_the_contract(reply: &Reply) {
    assert!(!(300..400).contains(&reply.status), "a redirect");
    assert!(reply.status == 200 || reply.status >= 400, "the SDK makes null of {}", reply.status);
    assert_eq!(reply.header("content-encoding"), None);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert!(reply.body.is_ascii(), "{}", reply.text());
    let json = reply.json();
    for member in ["status", "ErrorCode", "ErrorDesc"] {
        assert!(json[member].is_string(), "{member}: {}", reply.text());
    }
    let success = (json["status"].as_str(), json["ErrorCode"].as_str()) == (Some("OK"), Some("0"));
    let failure = json["status"] == "FAIL" && json["ErrorCode"] != "0" && json["ErrorDesc"] != "";
    assert!(success != failure, "{}", reply.text());
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object() -> Sdk {
        let system = System { id: "hub.test.01".into(), key_id: String::new(), secret: "made-up-secret-A1".into() };
        let mut sdk = Sdk::new("127.0.0.1:18081".parse().unwrap(), &system);
        sdk.put("timestamp", "21112026T164221+0181");
        sdk
    }

    #[test]
    fn the_published_vectors_come_out() {
        let mut sdk = object();
        sdk.prepare(&json!({}));

        let signature = hmac_hex(&sdk.secret, sdk.sign_header().as_bytes());

        assert_eq!(signature, "983106bdbb4e61dd78a5772431f11e5d092b51ebde1cd010c8ffe5fed270448e");
        assert_eq!(quirky_hash(b"<x>2</x>"), "a71764c2273811d3e3ee9776bc3f388fa3327ac4efc5eb7418fb7d727f2a4");
    }

    #[test]
    fn a_poll_is_written_as_it_was_captured() {
        let mut sdk = object();
        sdk.put("timestamp", "21112026T164223+0043");
        sdk.prepare(&json!({ "servicetype": "eDoc", "messagetype": "edoc" }));

        let head = String::from_utf8(sdk.client_head("POST", "getReceivedEdocList", Some(""))).unwrap();

        assert_eq!(head.replace("\r\n", "\n"), CAPTURED_POLL);
    }

    #[test]
    fn the_members_of_a_reused_object_stand_in_the_order_of_its_map() {
        let mut sdk = object();
        sdk.prepare(&json!({ "docId": "BBB", "filePath": "/tmp/dl" }));
        sdk.prepare(&json!({ "docid": "AAA", "status": "done" }));

        let names: Vec<String> = sdk.ordered().into_iter().map(|(name, _)| name).collect();

        assert_eq!(names.join(";"), "systemid;docId;docid;filePath;timestamp;Content-Type;status");
    }

    #[test]
    fn a_send_names_its_members_in_the_captured_order() {
        let mut sdk = object();
        let to = json!(["000.00.02.T02", "000.00.03.T03"]);
        let parameters = json!({ "servicetype": "eDoc", "messagetype": "status", "from": "000.00.01.T01", "to": to });

        let request = String::from_utf8(sdk.send_request(&parameters, "<x>văn bản</x>\n".as_bytes())).unwrap();

        for line in [
            "POST /sendEdoc HTTP/1.1\r\nContent-Type: application/octet-stream\r\nXroadVnpt-systemid: hub.test.01\r\n",
            "XroadVnpt-hash-file: d9fbba5e44173a69cfc495c92c13a670da2c6850f35096f55070d19b1956f4ac\r\n",
            "sign-header-key: systemid;servicetype;messagetype;hash-file;from;to;timestamp;Content-Type\r\n",
            r#""XroadVnpt-to":"[\"000.00.02.T02\",\"000.00.03.T03\"]","#,
            "Content-Length: 20\r\n\r\n<x>văn bản</x>\n\r\n",
        ] {
            assert!(request.contains(line), "{line}\n{request}");
        }
    }

    /// The captured request of docs/sdk.md.
    const CAPTURED_POLL: &str = r#"POST /getReceivedEdocList HTTP/1.1
XroadVnpt-systemid: hub.test.01
XroadVnpt-servicetype: eDoc
XroadVnpt-messagetype: edoc
XroadVnpt-timestamp: 21112026T164223+0043
Content-Type: application/json
XroadVnpt-Content-Type: application/json
XroadVnpt-sign-header-key: systemid;servicetype;messagetype;timestamp;Content-Type
XroadVnpt-sign-header: {"XroadVnpt-systemid":"hub.test.01","XroadVnpt-servicetype":"eDoc","XroadVnpt-messagetype":"edoc","XroadVnpt-timestamp":"21112026T164223+0043","XroadVnpt-Content-Type":"application/json"}
XroadVnpt-hash-header: cf43333d7303ff74413774bc00df0f911439388b05d89266b002c105448eab9f
User-Agent: JAVASDKAgent/1.0.0 XRoad/VPCP
XroadVnpt-version: 3.0.201608
Content-Length: 0
Host: 127.0.0.1:18081
Connection: Keep-Alive
Accept-Encoding: gzip,deflate

"#;
}
